package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hourglass/data"
)

// codes are codes with what is known of their images.
type codes struct {
	size    int
	values  []float32 // (n,size)
	names   []string  // of the images
	parts   []string  // of the run that they belong to; empty for none
	labels  []int     // -1 for none
	classes []string
}

func (c *codes) len() int { return len(c.values) / c.size }

func (c *codes) labelled() bool {
	return slices.ContainsFunc(c.labels, func(label int) bool { return label >= 0 })
}

// add encodes a set of images.
func (c *codes) add(s *session, r *running, p part) error {
	values, err := r.codes(s.ctx, p.images)
	if err != nil {
		return err
	}
	c.values = append(c.values, values...)
	if c.classes == nil {
		c.classes = data.Classes(p.images)
	}
	for i := range p.images.Len() {
		c.names = append(c.names, data.Name(p.images, i))
		c.parts = append(c.parts, p.name)
		c.labels = append(c.labels, p.images.Label(i))
	}
	return nil
}

// some are those of the given numbers.
func (c *codes) some(indices []int) *codes {
	chosen := &codes{size: c.size, classes: c.classes}
	for _, i := range indices {
		chosen.values = append(chosen.values, c.values[i*c.size:(i+1)*c.size]...)
		chosen.names = append(chosen.names, c.names[i])
		chosen.parts = append(chosen.parts, c.parts[i])
		chosen.labels = append(chosen.labels, c.labels[i])
	}
	return chosen
}

// class names the label of a code.
func (c *codes) class(i int) string {
	switch label := c.labels[i]; {
	case label < 0:
		return ""
	case label < len(c.classes):
		return c.classes[label]
	default:
		return strconv.Itoa(label)
	}
}

// checkCodesFile refuses a name whose ending says nothing of the format.
func checkCodesFile(path string) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".npy", ".npz", ".csv":
		return nil
	}
	return fmt.Errorf("%s is no file of codes; give one a name that ends in .npy, .npz or .csv", path)
}

// write writes the codes in the format that the ending names, and returns the
// files that it has written.
func (c *codes) write(path string) ([]string, error) {
	array := data.Array{Shape: []int{c.len(), c.size}, Values: c.values}
	switch extension := filepath.Ext(path); strings.ToLower(extension) {
	case ".csv":
		return []string{path}, writeFile(path, c.writeCSV)
	case ".npz":
		arrays := []data.NamedArray{{Name: "codes", Array: array}}
		if c.labelled() {
			arrays = append(arrays, data.NamedArray{Name: "labels", Array: c.labels})
			if c.classes != nil {
				arrays = append(arrays, data.NamedArray{Name: "classes", Array: c.classes})
			}
		}
		return []string{path}, writeFile(path, func(w io.Writer) error { return data.WriteNPZ(w, arrays...) })
	default:
		if err := writeFile(path, func(w io.Writer) error { return data.WriteNPY(w, array) }); err != nil || !c.labelled() {
			return []string{path}, err
		}
		labels := strings.TrimSuffix(path, extension) + ".labels" + extension
		return []string{path, labels}, writeFile(labels, func(w io.Writer) error { return data.WriteNPY(w, c.labels) })
	}
}

// writeCSV writes a heading and a line for each code; the numbers are as many
// digits as give the same float32 again.
func (c *codes) writeCSV(w io.Writer) error {
	several := len(slices.Compact(slices.Clone(c.parts))) > 1
	heading := []string{"image"}
	if several {
		heading = append(heading, "split")
	}
	if c.labelled() {
		heading = append(heading, "label")
	}
	for j := range c.size {
		heading = append(heading, "z"+strconv.Itoa(j))
	}
	lines := csv.NewWriter(w)
	failure := lines.Write(heading)
	for i := range c.len() {
		line := []string{c.names[i]}
		if several {
			line = append(line, c.parts[i])
		}
		if c.labelled() {
			line = append(line, c.class(i))
		}
		for _, x := range c.values[i*c.size:][:c.size] {
			line = append(line, strconv.FormatFloat(float64(x), 'g', -1, 32))
		}
		failure = errors.Join(failure, lines.Write(line))
	}
	lines.Flush()
	if err := errors.Join(failure, lines.Error()); err != nil {
		return fmt.Errorf("writing the codes: %w", err)
	}
	return nil
}

// readCodes reads a file of codes of a model that takes so many numbers.
func readCodes(path string, size int) ([]float32, error) {
	if err := checkCodesFile(path); err != nil {
		return nil, usage{err}
	}
	array, err := readCodesFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the codes: %w", err)
	}
	columns := len(array.Values)
	if len(array.Shape) > 1 {
		columns /= array.Shape[0]
	}
	if columns != size {
		return nil, fmt.Errorf("%s has %d columns, and a code of this model has %d numbers; give codes of the same model", path, columns, size)
	}
	for i, x := range array.Values {
		if x-x != 0 {
			return nil, fmt.Errorf("%s: number %d of code %d is %v; want finite numbers", path, i%size, i/size, x)
		}
	}
	return array.Values, nil
}

func readCodesFile(path string) (data.Array, error) {
	if !strings.EqualFold(filepath.Ext(path), ".csv") {
		return data.ReadArray(path, "codes")
	}
	file, err := os.Open(path)
	if err != nil {
		return data.Array{}, err
	}
	defer file.Close()
	array, err := readCSV(file)
	if err != nil {
		return data.Array{}, fmt.Errorf("%s: %w", path, err)
	}
	return array, nil
}

// readCSV reads what writeCSV writes, taking the columns called z and a number,
// or lines of numbers alone.
func readCSV(r io.Reader) (data.Array, error) {
	lines := csv.NewReader(r)
	lines.ReuseRecord = true
	first, err := lines.Read()
	if err == io.EOF {
		return data.Array{}, errors.New("the file is empty")
	}
	if err != nil {
		return data.Array{}, err
	}
	wanted, headed := codeColumns(first)
	if len(wanted) == 0 {
		return data.Array{}, errors.New("no column is called z0, z1 and so on")
	}
	array := data.Array{Shape: []int{0, len(wanted)}}
	for record := first; ; {
		if !headed {
			for _, column := range wanted {
				x, err := strconv.ParseFloat(strings.TrimSpace(record[column]), 32)
				if err != nil {
					line, _ := lines.FieldPos(column)
					return data.Array{}, fmt.Errorf("line %d: column %d is %.40q, want a number", line, column+1, record[column])
				}
				array.Values = append(array.Values, float32(x))
			}
			array.Shape[0]++
		}
		headed = false
		if record, err = lines.Read(); err == io.EOF {
			break
		} else if err != nil {
			return data.Array{}, err
		}
	}
	if array.Shape[0] == 0 {
		return data.Array{}, errors.New("there is no code below the heading")
	}
	return array, nil
}

// codeColumns are the columns that hold codes, and whether the first line is a
// heading.
func codeColumns(first []string) (columns []int, headed bool) {
	for i, field := range first {
		if number, is := strings.CutPrefix(strings.TrimSpace(field), "z"); is {
			if _, err := strconv.ParseUint(number, 10, 32); err == nil {
				columns = append(columns, i)
			}
		}
		if _, err := strconv.ParseFloat(strings.TrimSpace(field), 32); err != nil {
			headed = true
		}
	}
	if headed {
		return columns, true
	}
	for i := range first {
		columns = append(columns, i)
	}
	return columns, false
}
