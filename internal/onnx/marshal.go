package onnx

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Numbers of the fields of onnx.proto's messages, by message and field.
const (
	modelIRVersion, modelProducer, modelVersion, modelDoc = 1, 2, 3, 6
	modelGraph, modelOpset, modelMetadata                 = 7, 8, 14
	opsetDomain, opsetVersion                             = 1, 2
	graphNode, graphName, graphInitializer                = 1, 2, 5
	graphInput, graphOutput                               = 11, 12
	nodeInput, nodeOutput, nodeName, nodeOperator         = 1, 2, 3, 4
	nodeAttribute                                         = 5
	attributeName, attributeFloat, attributeInt           = 1, 2, 3
	attributeString, attributeInts, attributeType         = 4, 8, 20
	tensorDims, tensorType, tensorName, tensorRaw         = 1, 2, 8, 9
	valueName, valueType, valueDoc                        = 1, 2, 3
	typeTensor, typeElement, typeShape                    = 1, 1, 2
	shapeDim, dimValue, dimName                           = 1, 1, 2
	entryKey, entryValue                                  = 1, 2
)

// Codes of types: of elements, and of attributes.
const (
	elementFloat, elementInt64 = 1, 7

	attributeIsFloat, attributeIsInt, attributeIsString, attributeIsInts = 1, 2, 3, 7
)

// message is a protocol buffer under construction.
type message []byte

func (m *message) integer(field protowire.Number, x int) {
	*m = protowire.AppendTag(*m, field, protowire.VarintType)
	*m = protowire.AppendVarint(*m, uint64(x))
}

func (m *message) float(field protowire.Number, x float32) {
	*m = protowire.AppendTag(*m, field, protowire.Fixed32Type)
	*m = protowire.AppendFixed32(*m, math.Float32bits(x))
}

// text leaves an empty one out.
func (m *message) text(field protowire.Number, x string) {
	if x != "" {
		m.bytes(field, []byte(x))
	}
}

func (m *message) bytes(field protowire.Number, x []byte) {
	*m = protowire.AppendTag(*m, field, protowire.BytesType)
	*m = protowire.AppendBytes(*m, x)
}

// Marshal encodes the model. The error names an attribute whose type the format
// does not have here, or a constant whose elements do not fill its shape.
func (m Model) Marshal() ([]byte, error) {
	graph, err := m.Graph.marshal()
	if err != nil {
		return nil, err
	}
	var out, operators message
	out.integer(modelIRVersion, irVersion)
	out.text(modelProducer, m.Producer)
	out.text(modelVersion, m.Version)
	out.text(modelDoc, m.Doc)
	out.bytes(modelGraph, graph)
	operators.bytes(opsetDomain, nil) // the standard one
	operators.integer(opsetVersion, opset)
	out.bytes(modelOpset, operators)
	for _, key := range slices.Sorted(maps.Keys(m.Metadata)) {
		var entry message
		entry.text(entryKey, key)
		entry.text(entryValue, m.Metadata[key])
		out.bytes(modelMetadata, entry)
	}
	return out, nil
}

func (g Graph) marshal() (message, error) {
	var out message
	for _, n := range g.Nodes {
		node, err := n.marshal()
		if err != nil {
			return nil, err
		}
		out.bytes(graphNode, node)
	}
	out.text(graphName, g.Name)
	for _, t := range g.Constants {
		constant, err := t.marshal()
		if err != nil {
			return nil, err
		}
		out.bytes(graphInitializer, constant)
	}
	for _, v := range g.Inputs {
		out.bytes(graphInput, v.marshal())
	}
	for _, v := range g.Outputs {
		out.bytes(graphOutput, v.marshal())
	}
	return out, nil
}

func (n Node) marshal() (message, error) {
	var out message
	for _, name := range n.In {
		out.bytes(nodeInput, []byte(name))
	}
	for _, name := range n.Out {
		out.bytes(nodeOutput, []byte(name))
	}
	if len(n.Out) > 0 {
		out.text(nodeName, n.Out[0])
	}
	out.text(nodeOperator, n.Operator)
	for _, a := range n.Attributes {
		attribute, err := a.marshal()
		if err != nil {
			return nil, fmt.Errorf("node %v, %s: %w", n.Out, n.Operator, err)
		}
		out.bytes(nodeAttribute, attribute)
	}
	return out, nil
}

func (a Attribute) marshal() (message, error) {
	var out message
	out.text(attributeName, a.Name)
	switch x := a.Value.(type) {
	case float32:
		out.float(attributeFloat, x)
		out.integer(attributeType, attributeIsFloat)
	case int:
		out.integer(attributeInt, x)
		out.integer(attributeType, attributeIsInt)
	case string:
		out.bytes(attributeString, []byte(x))
		out.integer(attributeType, attributeIsString)
	case []int:
		for _, one := range x {
			out.integer(attributeInts, one)
		}
		out.integer(attributeType, attributeIsInts)
	default:
		return nil, fmt.Errorf("attribute %s is a %T, want an int, float32, string or []int", a.Name, a.Value)
	}
	return out, nil
}

func (t Tensor) marshal() (message, error) {
	var out message
	size := 1
	for _, axis := range t.Shape {
		out.integer(tensorDims, axis)
		size *= axis
	}
	var raw []byte
	if t.Integers != nil {
		out.integer(tensorType, elementInt64)
		for _, x := range t.Integers {
			raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
		}
	} else {
		out.integer(tensorType, elementFloat)
		raw = make([]byte, 0, 4*len(t.Floats))
		for _, x := range t.Floats {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
	}
	if given := len(t.Floats) + len(t.Integers); given != size {
		return nil, fmt.Errorf("constant %s has %d elements, want the %d of its shape %v", t.Name, given, size, t.Shape)
	}
	out.text(tensorName, t.Name)
	out.bytes(tensorRaw, raw)
	return out, nil
}

func (v Value) marshal() message {
	var shape, tensor, kind, out message
	for _, axis := range v.Axes {
		var dim message
		if axis.Name != "" {
			dim.text(dimName, axis.Name)
		} else {
			dim.integer(dimValue, axis.Size)
		}
		shape.bytes(shapeDim, dim)
	}
	element := elementFloat
	if v.Integers {
		element = elementInt64
	}
	tensor.integer(typeElement, element)
	tensor.bytes(typeShape, shape)
	kind.bytes(typeTensor, tensor)
	out.text(valueName, v.Name)
	out.bytes(valueType, kind)
	out.text(valueDoc, v.Doc)
	return out
}
