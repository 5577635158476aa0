package tensorboard

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Numbers of the fields that are written.
const (
	eventTime, eventStep, eventVersion, eventSummary, eventSession = 1, 2, 3, 5, 7

	sessionStatus = 1 // of SessionLog
	sessionStart  = 1 // its value START

	summaryValue                                                      = 1
	valueTag, valueNumber, valueImage, valueHistogram, valueMetadata  = 1, 2, 4, 5, 9
	imageHeight, imageWidth, imageColours, imageEncoded               = 1, 2, 3, 4
	histogramMin, histogramMax, histogramNumber, histogramSum         = 1, 2, 3, 4
	histogramSquares, histogramLimits, histogramCounts                = 5, 6, 7
	metadataPlugin, pluginName, pluginContent                         = 1, 1, 2
	hparamsStart, hparamsEnd                                          = 3, 4
	startParameters, startGroup, startTime, endStatus, endTime        = 1, 4, 5, 1, 2
	entryKey, entryValue, constantNumber, constantText, constantTruth = 1, 2, 2, 3, 4

	statusSuccess = 1
)

// version is what the first record of a file says.
const version = "brain.Event:2"

func appendDouble(dst []byte, field protowire.Number, x float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(dst, field, protowire.Fixed64Type), math.Float64bits(x))
}

func appendFloat(dst []byte, field protowire.Number, x float64) []byte {
	return protowire.AppendFixed32(protowire.AppendTag(dst, field, protowire.Fixed32Type), math.Float32bits(float32(x)))
}

func appendInteger(dst []byte, field protowire.Number, n int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, field, protowire.VarintType), uint64(n))
}

func appendText(dst []byte, field protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(dst, field, protowire.BytesType), text)
}

// appendMessage appends a message within a message, or bytes.
func appendMessage(dst []byte, field protowire.Number, message []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, field, protowire.BytesType), message)
}

// appendDoubles appends a packed list.
func appendDoubles(dst []byte, field protowire.Number, list []float64) []byte {
	dst = protowire.AppendVarint(protowire.AppendTag(dst, field, protowire.BytesType), uint64(8*len(list)))
	for _, x := range list {
		dst = protowire.AppendFixed64(dst, math.Float64bits(x))
	}
	return dst
}

// appendHistogram appends a HistogramProto.
func appendHistogram(dst []byte, h *histogram) []byte {
	dst = appendDouble(dst, histogramMin, h.least)
	dst = appendDouble(dst, histogramMax, h.most)
	dst = appendDouble(dst, histogramNumber, h.number)
	dst = appendDouble(dst, histogramSum, h.sum)
	dst = appendDouble(dst, histogramSquares, h.squares)
	first, end := h.span()
	dst = appendDoubles(dst, histogramLimits, limits[first:end])
	return appendDoubles(dst, histogramCounts, h.counts[first:end])
}

// Hyperparameter is one of the settings by which TensorBoard compares runs. Its
// value is a string, a bool or a float64.
type Hyperparameter struct {
	Name  string
	Value any
}

// appendEntry appends an entry of a map from names to google.protobuf.Value.
func (p Hyperparameter) appendEntry(dst []byte, field protowire.Number) []byte {
	var value []byte
	switch x := p.Value.(type) {
	case float64:
		value = appendDouble(nil, constantNumber, x)
	case bool:
		value = appendInteger(nil, constantTruth, map[bool]int{true: 1}[x])
	case string:
		value = appendText(nil, constantText, x)
	}
	return appendMessage(dst, field, appendMessage(appendText(nil, entryKey, p.Name), entryValue, value))
}

// inHparams wraps a field of HParamsPluginData into the SummaryMetadata by
// which TensorBoard's plugin finds it.
func inHparams(field protowire.Number, message []byte) []byte {
	plugin := appendText(nil, pluginName, "hparams")
	plugin = appendMessage(plugin, pluginContent, appendMessage(nil, field, message))
	return appendMessage(nil, metadataPlugin, plugin)
}
