package serving

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"hourglass/data"
)

// Media types of requests and answers.
const (
	jsonType = "application/json"
	pngType  = "image/png"
	npyType  = "application/x-npy"
)

// message is the JSON of a request.
type message struct {
	Images []json.RawMessage `json:"images"` // base64 of a picture file, or numbers
	Codes  [][]float32       `json:"codes"`
	Labels []int             `json:"labels"` // classes of these, for a conditional model
	Label  *int              `json:"label"`  // class of all of them
	Format string            `json:"format"` // of images in the answer: array or png
}

// rows are what a request asks about, n images or codes, and how it wants its
// answer.
type rows struct {
	values []float32
	n      int
	labels []int
	kind   string // media type of the answer
	png    bool   // images in JSON are PNG in base64
}

// readImages reads the images of a request: JSON, or a picture file.
func (s *Server) readImages(r *http.Request) (rows, error) {
	kind := contentType(r)
	if strings.HasPrefix(kind, "image/") {
		file, err := io.ReadAll(r.Body)
		if err != nil {
			return rows{}, err
		}
		image, err := s.pictures.Decode(r.Context(), file)
		if err != nil {
			return rows{}, err
		}
		return message{}.chooseLabels(s.engine, r, rows{values: image, n: 1})
	}
	var m message
	if err := ReadJSON(r, &m, "a picture's, such as "+pngType); err != nil {
		return rows{}, err
	}
	if m.Codes != nil {
		return rows{}, Refuse(http.StatusBadRequest, "the request has codes, want images")
	}
	if err := s.checkCount(len(m.Images), "images"); err != nil {
		return rows{}, err
	}
	all := rows{n: len(m.Images), kind: jsonType, png: true}
	for i, item := range m.Images {
		image, text, err := s.readImage(r, item)
		if err != nil {
			return rows{}, inItem(err, "image", i)
		}
		all.values, all.png = append(all.values, image...), all.png && text
	}
	if err := m.chooseFormat(&all); err != nil {
		return rows{}, err
	}
	return m.chooseLabels(s.engine, r, all)
}

// chooseLabels takes the classes that the request names: labels, or a label for
// all, in JSON or, for files, in the address (?label=3).
func (m message) chooseLabels(e *Engine, r *http.Request, all rows) (rows, error) {
	all.labels = m.Labels
	label := m.Label
	if text := r.URL.Query().Get("label"); text != "" {
		number, err := strconv.Atoi(text)
		if err != nil {
			return rows{}, Refuse(http.StatusBadRequest, "the label is %.20q, want the number of a class", text)
		}
		label = &number
	}
	if label != nil {
		if m.Labels != nil {
			return rows{}, Refuse(http.StatusBadRequest, "the request has labels and a label; give one of them")
		}
		all.labels = slices.Repeat([]int{*label}, all.n)
	}
	if err := e.CheckLabels(all.n, all.labels); err != nil {
		return rows{}, Refuse(http.StatusBadRequest, "%w", err)
	}
	return all, nil
}

// chooseFormat takes the format that the request names, if it does.
func (m message) chooseFormat(all *rows) error {
	switch m.Format {
	case "":
	case "png":
		all.png = true
	case "array":
		all.png = false
	default:
		return Refuse(http.StatusBadRequest, "the format %.50q is unknown; choose array or png", m.Format)
	}
	return nil
}

// inItem says which of several items an error is about.
func inItem(err error, what string, i int) error {
	r := classify(err)
	if r.status == http.StatusBadRequest {
		return Refuse(r.status, "%s %d: %w", what, i, r.error)
	}
	return err
}

func (s *Server) checkCount(n int, what string) error {
	if n < 1 || n > s.actions.Limits.Images {
		return Refuse(http.StatusBadRequest, "the request has %d %s, want 1 to %d", n, what, s.actions.Limits.Images)
	}
	return nil
}

// readImage reads one image, and says whether it was text.
func (s *Server) readImage(r *http.Request, item json.RawMessage) (image []float32, text bool, err error) {
	var base64 string
	if json.Unmarshal(item, &base64) == nil {
		image, err = s.pictures.decodeText(r.Context(), base64)
		return image, true, err
	}
	image, err = s.numbers(item)
	if err != nil {
		return nil, false, err
	}
	for i, v := range image {
		if v < 0 || v > 1 {
			return nil, false, Refuse(http.StatusBadRequest, "value %d is %g, want 0 (black) to 1 (white); divide bytes by 255", i, v)
		}
	}
	return image, false, nil
}

// numbers reads H·W·C numbers, flat or nested: [H][W][C], or [H][W] if grey.
func (s *Server) numbers(item json.RawMessage) ([]float32, error) {
	shape := s.pictures.Shape()
	var flat []float32
	var grey [][]float32
	var deep [][][]float32
	switch {
	case json.Unmarshal(item, &flat) == nil && len(flat) == shape.Size():
		return flat, nil
	case shape.C == 1 && json.Unmarshal(item, &grey) == nil && shaped(grey, shape.H, shape.W):
		flat = nil // it may hold what came before the numbers ceased to be flat
		for _, row := range grey {
			flat = append(flat, row...)
		}
		return flat, nil
	case json.Unmarshal(item, &deep) == nil && len(deep) == shape.H:
		flat = nil
		for _, row := range deep {
			if !shaped(row, shape.W, shape.C) {
				return nil, s.badNumbers()
			}
			for _, pixel := range row {
				flat = append(flat, pixel...)
			}
		}
		return flat, nil
	}
	return nil, s.badNumbers()
}

func shaped(rows [][]float32, n, size int) bool {
	for _, row := range rows {
		if len(row) != size {
			return false
		}
	}
	return len(rows) == n
}

func (s *Server) badNumbers() error {
	shape := s.pictures.Shape()
	return Refuse(http.StatusBadRequest, "it is no image of %d rows of %d pixels of %d numbers; send those nested or one after another, or a picture file in base64", shape.H, shape.W, shape.C)
}

// readCodes reads the codes of a request: JSON, or a matrix in NPY.
func (s *Server) readCodes(r *http.Request) (rows, error) {
	size := s.engine.model.CodeSize()
	if contentType(r) == npyType {
		file, err := io.ReadAll(r.Body)
		if err != nil {
			return rows{}, err
		}
		array, err := data.ParseArray(file)
		if err != nil {
			return rows{}, Refuse(http.StatusBadRequest, "the codes cannot be read: %w", err)
		}
		if len(array.Shape) != 2 || array.Shape[1] != size {
			return rows{}, Refuse(http.StatusBadRequest, "the codes have the shape %v, want (N, %d)", array.Shape, size)
		}
		for i, v := range array.Values {
			if v-v != 0 {
				return rows{}, Refuse(http.StatusBadRequest, "the codes cannot be read: row %d, column %d is %g; want finite numbers", i/size, i%size, v)
			}
		}
		n := array.Shape[0]
		if err := s.checkCount(n, "codes"); err != nil {
			return rows{}, err
		}
		return message{}.chooseLabels(s.engine, r, rows{values: array.Values, n: n})
	}
	var m message
	if err := ReadJSON(r, &m, npyType); err != nil {
		return rows{}, err
	}
	if m.Images != nil {
		return rows{}, Refuse(http.StatusBadRequest, "the request has images, want codes")
	}
	if err := s.checkCount(len(m.Codes), "codes"); err != nil {
		return rows{}, err
	}
	all := rows{n: len(m.Codes), kind: jsonType}
	for i, code := range m.Codes {
		if len(code) != size {
			return rows{}, Refuse(http.StatusBadRequest, "code %d has %d numbers, want %d", i, len(code), size)
		}
		all.values = append(all.values, code...)
	}
	if err := m.chooseFormat(&all); err != nil {
		return rows{}, err
	}
	return m.chooseLabels(s.engine, r, all)
}

// answerType is the media type of an answer: what the header Accept names, or
// else JSON for JSON, and for files the type given.
func (q rows) answerType(r *http.Request, file string) string {
	accept := r.Header.Get("Accept")
	for _, kind := range []string{jsonType, pngType, npyType} {
		if strings.Contains(accept, kind) {
			return kind
		}
	}
	if q.kind != "" {
		return q.kind
	}
	return file
}

// writeCodes answers with n codes.
func (s *Server) writeCodes(w http.ResponseWriter, r *http.Request, q rows, codes []float32) error {
	size := s.engine.model.CodeSize()
	switch q.answerType(r, npyType) {
	case jsonType:
		return WriteJSON(w, map[string]any{"codes": split(codes, size)})
	case npyType:
		return writeNPY(w, codes, q.n, size)
	}
	return Refuse(http.StatusNotAcceptable, "codes are no picture; accept %s or %s", jsonType, npyType)
}

// writeImages answers with n images.
func (s *Server) writeImages(w http.ResponseWriter, r *http.Request, q rows, images []float32) error {
	shape := s.pictures.Shape()
	file := pngType
	if q.n > 1 {
		file = npyType
	}
	switch kind := q.answerType(r, file); {
	case kind == npyType:
		return writeNPY(w, images, q.n, shape.H, shape.W, shape.C)
	case kind == pngType && q.n > 1:
		return Refuse(http.StatusNotAcceptable, "%d images are no one picture; accept %s or %s, or ask for one", q.n, jsonType, npyType)
	case kind == pngType:
		png, err := s.pictures.PNG(images)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", pngType)
		_, err = w.Write(png)
		return err
	}
	list := make([]any, q.n)
	for i, image := range split(images, shape.Size()) {
		if !q.png {
			var nested [][][]float32
			for _, row := range split(image, shape.W*shape.C) {
				nested = append(nested, split(row, shape.C))
			}
			list[i] = nested
			continue
		}
		png, err := s.pictures.PNG(image)
		if err != nil {
			return err
		}
		list[i] = base64.StdEncoding.EncodeToString(png)
	}
	return WriteJSON(w, map[string]any{"images": list})
}

func writeNPY(w http.ResponseWriter, values []float32, dims ...int) error {
	var file bytes.Buffer
	if err := data.WriteNPY(&file, data.Array{Shape: dims, Values: values}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", npyType)
	_, err := w.Write(file.Bytes())
	return err
}

// split cuts values into pieces of one size.
func split(values []float32, size int) [][]float32 {
	pieces := make([][]float32, 0, len(values)/size)
	for ; len(values) >= size; values = values[size:] {
		pieces = append(pieces, values[:size:size])
	}
	return pieces
}
