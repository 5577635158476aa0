package reference

import "hourglass/kernels"

func init() { register(chain) }

// chain runs the definition of each step on whole arrays.
func chain(o kernels.Chain, clock kernels.Clock, out []float64, in [][]float64) {
	var values [][]float64
	for i, r := range o.Reads {
		value := make([]float64, o.Size)
		for e := range value {
			value[e] = in[i][e/r.Every%r.Count]
		}
		values = append(values, value)
	}
	for _, s := range o.Steps {
		var of [][]float64
		for _, v := range s.Of {
			of = append(of, values[v])
		}
		value := make([]float64, o.Size)
		if err := Run(s.Op, clock, value, of); err != nil {
			panic(err) // the chain was checked
		}
		values = append(values, value)
	}
	outs := append([][]float64{out}, in[len(o.Reads):]...)
	for i, v := range o.Results {
		copy(outs[i], values[v])
	}
	for i, t := range o.Sums {
		sum := 0.0
		for _, v := range values[t.Value] {
			sum += v
		}
		outs[len(o.Results)+i][0] = t.Scale * sum
	}
}
