package onnx

// Versions of the format and of its operators that are written. Every
// onnxruntime since 1.12 of 2022 knows them.
const (
	irVersion = 8
	opset     = 17
)

// Model is a graph with what is said about it.
type Model struct {
	Producer, Version string // the program that wrote it
	Doc               string // for readers
	Metadata          map[string]string
	Graph             Graph
}

// Graph computes outputs from inputs. Nodes stand after those whose results
// they read.
type Graph struct {
	Name            string
	Nodes           []Node
	Constants       []Tensor
	Inputs, Outputs []Value
}

// Node applies an operator to named values. Its name is that of its first
// output.
type Node struct {
	Operator   string
	In, Out    []string
	Attributes []Attribute
}

// Attribute is a parameter of an operator: an int, a float32, a string or a
// []int.
type Attribute struct {
	Name  string
	Value any
}

// Tensor is a constant of float32, or of int64 if it has integers.
type Tensor struct {
	Name     string
	Shape    []int
	Floats   []float32
	Integers []int64
}

// Value is an input or output of float32, or of int64 if it is integers.
type Value struct {
	Name     string
	Doc      string
	Axes     []Axis
	Integers bool
}

// Axis is one axis of a value: of a fixed size or, if it has a name, of any.
type Axis struct {
	Size int
	Name string
}
