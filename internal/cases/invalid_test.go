package cases

import (
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/kernels"
)

// drawn is a step that needs no operand.
var drawn = []kernels.Step{{Op: kernels.Noise{Shape: kernels.Shape{4}}}}

// invalid are attributes that Check must refuse, with what its sentence must
// name.
var invalid = []struct {
	op    interface{ Check() error }
	names []string
}{
	{convolution{"", 0, 3, 8, 8, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1}.geometry(), []string{"batch is 0"}},
	{convolution{"", 1, 0, 8, 8, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1}.geometry(), []string{"channels is 0"}},
	{convolution{"", 1, 3, -8, 8, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1}.geometry(), []string{"height is -8"}},
	{convolution{"", 1, 3, 8, 0, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1}.geometry(), []string{"width is 0"}},
	{convolution{"", 1, 3, 8, 8, 0, 3, 3, 1, 1, 1, 1, 1, 1, 1}.geometry(), []string{"filters is 0"}},
	{convolution{"", 1, 3, 8, 8, 4, 0, 3, 1, 1, 1, 1, 1, 1, 1}.geometry(), []string{"filter height is 0"}},
	{convolution{"", 1, 3, 8, 8, 4, 3, 0, 1, 1, 1, 1, 1, 1, 1}.geometry(), []string{"filter width is 0"}},
	{convolution{"", 1, 3, 8, 8, 4, 3, 3, 0, 1, 1, 1, 1, 1, 1}.geometry(), []string{"stride is 0"}},
	{convolution{"", 1, 3, 8, 8, 4, 3, 3, 1, -2, 1, 1, 1, 1, 1}.geometry(), []string{"stride is -2"}},
	{convolution{"", 1, 3, 8, 8, 4, 3, 3, 1, 1, -1, 0, 1, 1, 1}.geometry(), []string{"padding is -1x0"}},
	{convolution{"", 1, 3, 8, 8, 4, 3, 3, 1, 1, 0, -1, 1, 1, 1}.geometry(), []string{"padding is 0x-1"}},
	{convolution{"", 1, 3, 8, 8, 4, 3, 3, 1, 1, 1, 1, 0, 1, 1}.geometry(), []string{"dilation is 0"}},
	{convolution{"", 1, 3, 8, 8, 4, 3, 3, 1, 1, 1, 1, 1, 1, 0}.geometry(), []string{"groups is 0"}},
	{convolution{"", 1, 3, 8, 8, 4, 3, 3, 1, 1, 1, 1, 1, 1, 3}.geometry(), []string{"3 groups", "3 channels", "4 out"}},
	{convolution{"", 1, 4, 8, 8, 3, 3, 3, 1, 1, 1, 1, 1, 1, 2}.geometry(), []string{"2 groups", "4 channels", "3 out"}},
	{convolution{"", 1, 3, 4, 8, 4, 5, 3, 1, 1, 0, 0, 1, 1, 1}.geometry(), []string{"5x3 filter", "4x8 image", "padding 0x0"}},
	// (4+0-5)/2 rounds towards zero, so that one row of output seems to remain.
	{convolution{"", 1, 3, 4, 8, 4, 5, 3, 2, 2, 0, 0, 1, 1, 1}.geometry(), []string{"5x3 filter", "4x8 image"}},
	{convolution{"", 1, 3, 8, 6, 4, 3, 3, 1, 1, 0, 1, 1, 4, 1}.geometry(), []string{"dilation 1x4", "8x6 image", "padding 0x1"}},
	{kernels.ConvolveForward{Convolution: convolution{"", 1, 3, 8, 8, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1}.geometry(), Activation: kernels.Activation{Function: 99}}, []string{"activation 99"}},
	{kernels.Multiply{M: 1, N: 2, K: 3, Activation: kernels.Activation{Alpha: -1}}, []string{"alpha is -1"}},
	{kernels.Multiply{M: 1, N: 2, K: 3, Slope: kernels.Activation{Function: 99}}, []string{"activation 99"}},
	{kernels.Multiply{M: 1, N: 2, K: 3, Activation: kernels.Activation{Function: kernels.Tanh}, Slope: kernels.Activation{Function: kernels.ReLU}}, []string{"multiply", "tanh", "relu", "not both"}},
	{kernels.Multiply{M: 1, N: 2, K: 3, Sums: true}, []string{"multiply", "TransA"}},
	{kernels.Multiply{Batch: 2, M: 1, N: 2, K: 3, TransA: true, Sums: true}, []string{"multiply", "batch (2)"}},
	{kernels.ConvolveBackwardWeight{Convolution: convolution{"", 1, 3, 8, 8, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1}.geometry(), Sums: 7}, []string{"sums 7"}},
	{kernels.Measured{Product: kernels.Affine{Size: 1}}, []string{"kernels.Affine", "convolution"}},
	{kernels.Gradients{Input: kernels.Affine{Size: 1}, Weight: kernels.Multiply{M: 1, N: 2, K: 3, TransA: true}}, []string{"kernels.Affine", "gradients of one layer"}},
	{kernels.Gradients{Input: kernels.Multiply{M: 3, N: 2, K: 1}, Weight: kernels.Multiply{M: 1, N: 4, K: 3, TransA: true}}, []string{"kernels.Multiply", "gradients of one layer"}},
	{kernels.Gradients{Input: kernels.Multiply{M: 3, N: 2, K: 1, Activation: kernels.Activation{Alpha: -1}}, Weight: kernels.Multiply{M: 1, N: 2, K: 3, TransA: true}}, []string{"alpha is -1"}},
	{measuredAs(kernels.Normalisation{Norm: kernels.LayerNorm, N: 1, Pixels: 64, C: 4, Groups: 1, Epsilon: 1}), []string{"layernorm", "groupnorm of the same images"}},
	{measuredAs(kernels.Normalisation{N: 1, Pixels: 64, C: 3, Groups: 1, Epsilon: 1}), []string{"1x8x8x4", "1x64x3"}},
	{measuredAs(kernels.Normalisation{Norm: kernels.GroupNorm, N: 2, Pixels: 32, C: 4, Groups: 1, Epsilon: 1}), []string{"1x8x8x4", "2x32x4", "groupnorm"}},
	{kernels.Tracked{Statistics: kernels.Affine{Size: 1}, Momentum: 0.1}, []string{"kernels.Affine", "batchnorm"}},
	{kernels.Tracked{Statistics: measuredAs(kernels.Normalisation{Norm: kernels.GroupNorm, N: 1, Pixels: 64, C: 4, Groups: 1, Epsilon: 1}), Momentum: 0.1}, []string{"groupnorm", "only batchnorm"}},
	{kernels.Compared{Product: kernels.Affine{Size: 1}}, []string{"kernels.Affine", "convolution"}},
	{kernels.Compared{Product: kernels.ConvolveForward{Convolution: convolution{"", 1, 3, 8, 8, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1}.geometry()},
		Loss: kernels.LossAndSlope{Loss: kernels.Loss{Size: 255}}}, []string{"1x8x8x4", "255 targets"}},
	{kernels.GatherImages{Images: 0, N: 1, H: 1, W: 1, C: 1}, []string{"gather_images", "images is 0"}},
	{kernels.GatherImages{Images: 1 << 31, N: 1, H: 1, W: 1, C: 1}, []string{"gather_images", "2147483648 images", "smaller set"}},
	{kernels.Activate{Size: 0}, []string{"size is 0"}},
	{kernels.Combine{Arithmetic: 9, A: kernels.Shape{1}, B: kernels.Shape{1}}, []string{"arithmetic 9"}},
	{kernels.Map{Function: -1, Size: 1}, []string{"function -1"}},
	{kernels.Loss{Criterion: 7, Size: 1}, []string{"criterion 7"}},
	{kernels.Normalisation{Norm: 5, N: 1, Pixels: 1, C: 1, Groups: 1, Epsilon: 1}, []string{"norm 5"}},
	{kernels.Normalisation{N: 1, Pixels: 4, C: 6, Groups: 2, Epsilon: 1}, []string{"groups is 2"}},
	{kernels.Normalisation{N: 1, Pixels: 4, C: 6, Groups: 1, Epsilon: math.NaN()}, []string{"epsilon is NaN"}},
	{kernels.LogSumExp{Rows: 2}, []string{"logsumexp", "columns is 0"}},
	{kernels.Chain{}, []string{"chain", "size is 0"}},
	{kernels.Chain{Size: 4}, []string{"0 steps", "at least a step"}},
	{kernels.Chain{Size: 4, Reads: []kernels.Repeated{{Count: 3, Every: 1}}}, []string{"operand 0", "3 elements", "to 4"}},
	{kernels.Chain{Size: 4, Steps: []kernels.Step{{Op: kernels.Affine{Size: 4}, Of: []int{0}}}}, []string{"step 0", "affine", "value 0", "not made before"}},
	{kernels.Chain{Size: 4, Steps: []kernels.Step{{Op: kernels.Noise{Shape: kernels.Shape{5}}}}}, []string{"step 0", "noise_normal", "want 4 elements"}},
	{kernels.Chain{Size: 4, Steps: []kernels.Step{{Op: kernels.Dropout{Rate: 2, Size: 4}}}}, []string{"step 0", "rate is 2"}},
	{kernels.Chain{Size: 4, Steps: []kernels.Step{{Op: kernels.Affine{Size: 4}}}}, []string{"given 0 values, want 1"}},
	{kernels.Chain{Size: 4, Steps: slices.Repeat(drawn, kernels.ChainSteps+1), Results: []int{0}}, []string{"21 steps", "up to 20", "make it two"}},
	{kernels.Chain{Size: 4, Steps: drawn, Results: []int{1}}, []string{"value 1 is a result"}},
	{kernels.Chain{Size: 4, Steps: drawn, Results: []int{0, 0}}, []string{"value 0 is a result", "each once"}},
	{kernels.Chain{Size: 4, Steps: drawn, Sums: []kernels.Total{{Value: 2}}}, []string{"value 2 is added up"}},
	{kernels.OneHot{Columns: 2}, []string{"onehot", "rows is 0"}},
	{kernels.Assign{}, []string{"assign", "size is 0"}},
	{kernels.Concat{Outer: 1}, []string{"nothing to join"}},
	{kernels.Reduce{From: kernels.Shape{2, 0}, To: kernels.Shape{1, 1}}, []string{"2x0", "axis of 0"}},
	{kernels.Slice{Outer: 1, Total: 4, From: math.MaxInt, Size: 1}, []string{"do not exist"}},
	{kernels.Multiply{Batch: -1, M: 1, N: 2, K: 3}, []string{"batch is -1"}},
	{kernels.Multiply{M: 0, N: 2, K: 3}, []string{"rows is 0"}},
	{kernels.Multiply{M: 1, N: -2, K: 3}, []string{"columns is -2"}},
	{kernels.Multiply{M: 1, N: 2}, []string{"inner size is 0"}},
	{kernels.Transpose{Batch: 1, Rows: 0, Columns: 2}, []string{"rows is 0"}},
	{kernels.Copy{From: kernels.Shape{2, 3}, To: kernels.Shape{7}}, []string{"2x3", "6 elements", "7 holds 7"}},
	{kernels.Pooling{N: 1, C: 1, H: 4, W: 4, R: 2, S: 2, StrideH: 0, StrideW: 1}, []string{"stride is 0"}},
	{kernels.Pooling{N: 1, C: 1, H: 4, W: 4, R: 2, S: 3, StrideH: 1, StrideW: 1, PadW: 2}, []string{"padding is 0x2", "2x3 window"}},
	{kernels.Pooling{N: 1, C: 1, H: 4, W: 4, R: 2, S: 3, StrideH: 1, StrideW: 1, PadH: -1}, []string{"padding is -1x0"}},
	{kernels.Pooling{N: 1, C: 1, H: 4, W: 4, R: 2, S: 3, StrideH: 1, StrideW: 1, PadW: -1}, []string{"padding is 0x-1"}},
	{kernels.Pooling{N: 1, C: 1, H: 4, W: 5, R: 5, S: 2, StrideH: 2, StrideW: 2}, []string{"5x2 window", "4x5 image"}},
	{kernels.Upsampling{N: 1, C: 1, H: 4, W: 4, ScaleH: 2}, []string{"scale is 0"}},
	{kernels.Upsampling{N: 1, C: 1, H: 0, W: 4, ScaleH: 2, ScaleW: 2}, []string{"height is 0"}},
	{kernels.Normalisation{Norm: kernels.GroupNorm, N: 1, Pixels: 4, C: 6, Groups: 4, Epsilon: 1e-5}, []string{"4 groups", "6 channels"}},
	{kernels.Normalisation{Norm: kernels.LayerNorm, N: 1, Pixels: 0, C: 6, Groups: 1, Epsilon: 1e-5}, []string{"layernorm", "pixels is 0"}},
	{kernels.Normalisation{N: 1, Pixels: 4, C: 6, Groups: 1}, []string{"epsilon is 0"}},
	{track(1, 0.1), []string{"batch of at least 2"}},
	{track(2, 1.5), []string{"momentum is 1.5"}},
	{track(2, math.NaN()), []string{"momentum is NaN"}},
	{kernels.Activation{Function: 99}, []string{"activation 99"}},
	{kernels.Activation{Function: kernels.ELU, Alpha: -1}, []string{"elu", "alpha is -1"}},
	{kernels.Combine{A: kernels.Shape{2, 3}, B: kernels.Shape{2}}, []string{"2x3 and 2", "3 and 2"}},
	{kernels.Combine{A: kernels.Shape{4, 1, 5}, B: kernels.Shape{3, 2, 5}}, []string{"4x1x5", "3x2x5", "4 and 3"}},
	{kernels.Map{Function: kernels.Log}, []string{"log", "size is 0"}},
	{kernels.Affine{Size: -1}, []string{"size is -1"}},
	{kernels.Reduce{From: kernels.Shape{3}, To: kernels.Shape{2, 3}}, []string{"2x3 has more axes than 3"}},
	{kernels.Reduce{From: kernels.Shape{2, 3}, To: kernels.Shape{2}}, []string{"of 2 is 2", "2x3 is 3"}},
	{kernels.Expand{From: kernels.Shape{2, 3}, To: kernels.Shape{2, 6}}, []string{"2x3 is 3", "2x6 is 6"}},
	{kernels.Concat{Outer: 2, Sizes: []int{3, 0}}, []string{"size is 0"}},
	{kernels.Slice{Outer: 2, Total: 5, From: 3, Size: 3}, []string{"3 to 6 of 5"}},
	{kernels.Slice{Outer: 2, Total: 5, From: -1, Size: 3}, []string{"-1 to 2 of 5"}},
	{kernels.Loss{Criterion: kernels.Huber, Size: 3}, []string{"delta is 0"}},
	{kernels.Loss{Criterion: kernels.MSE}, []string{"mse", "size is 0"}},
	{kernels.Dropout{Rate: 1, Size: 3}, []string{"rate is 1"}},
	{kernels.Dropout{Rate: math.NaN(), Size: 3}, []string{"rate is NaN"}},
	{kernels.Noise{Shape: kernels.Shape{2, 0}}, []string{"2x0"}},
	{kernels.Optimiser{Rule: 7}, []string{"rule 7"}},
	{kernels.Optimiser{Momentum: 1}, []string{"sgd", "momentum is 1"}},
	{kernels.Optimiser{Rule: kernels.Adam, Beta1: 0.9, Beta2: 1, Epsilon: 1e-8}, []string{"adam", "beta2 is 1"}},
	{kernels.Optimiser{Rule: kernels.AdamW, Beta1: 0.9, Beta2: 0.999}, []string{"adamw", "epsilon is 0"}},
	{kernels.Optimiser{WeightDecay: -1}, []string{"weight decay is -1"}},
	{kernels.Optimiser{ClipNorm: math.NaN()}, []string{"clipping norm is NaN"}},
}

// measuredAs is a convolution of three channels, measured for a normalisation.
func measuredAs(norm kernels.Normalisation) kernels.Measured {
	return kernels.Measured{Product: kernels.ConvolveForward{Convolution: convolution{"", 1, 3, 8, 8, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1}.geometry()}, Norm: norm}
}

func track(batch int, momentum float64) kernels.NormTrack {
	return kernels.NormTrack{Momentum: momentum,
		Normalisation: kernels.Normalisation{N: batch, Pixels: 1, C: 3, Groups: 1, Epsilon: 1e-5}}
}

func TestCheckRefuses(t *testing.T) {
	for _, test := range invalid {
		err := test.op.Check()
		if err == nil {
			t.Errorf("%T %+v passes Check", test.op, test.op)
			continue
		}
		for _, name := range test.names {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%T %+v is refused with %q, which does not say %q", test.op, test.op, err, name)
			}
		}
	}
}
