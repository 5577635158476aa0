package exchange

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"hourglass/graph"
	"hourglass/models"
)

// scheme is a way of naming modules that is found outside. Its prefixes stand
// in the order in which an image passes the modules under them, the code's mean
// before its log variance; a model may lack some. Under one prefix, the numbers
// in names give the order.
type scheme struct {
	name     string
	prefixes []string
}

// schemes are tried in order. The last is of names that explain themselves.
var schemes = []scheme{
	{"encoder, decoder", []string{"encoder", "decoder"}},
	{"pytorch/examples", []string{"fc1", "fc21", "fc22", "fc3", "fc4"}},
	{"AntixK/PyTorch-VAE", []string{"encoder", "fc_mu", "fc_var", "decoder_input", "decoder", "final_layer"}},
	{"pythae", []string{"encoder.layers", "encoder.embedding", "encoder.log_var", "decoder.fc", "decoder.layers"}},
	{"encoder, code, decoder", []string{
		"encoder", "enc", "bottleneck", "fc_mean", "mean", "mu", "fc_mu", "fc_logvar", "fc_log_var", "logvar", "log_var", "fc_var",
		"latent_to_decode", "decoder_input", "fc_decode", "decoder", "dec", "final_layer",
	}},
}

// assign matches the modules of a file with those of the model one by one. ok is
// false unless all match in number, in the names of their tensors and in
// shape.
func (s scheme) assign(m Model, wanted []graph.Variable, offered []tensor) (sources map[string]string, ok bool) {
	theirs, ok := s.modules(offered)
	if !ok {
		return nil, false
	}
	ours := weighted(m.Modules(), wanted)
	if len(ours) != len(theirs) {
		return nil, false
	}
	sources = make(map[string]string, len(wanted))
	for i, one := range ours {
		if len(one) != len(theirs[i].tensors) {
			return nil, false
		}
		for _, v := range one {
			t, found := theirs[i].tensors[lastOf(v.Name)]
			if !found || !t.Shape.Equal(v.Shape) {
				return nil, false
			}
			sources[v.Name] = t.Name
		}
	}
	return sources, len(sources) == len(wanted)
}

// foreign is a module of the file: its tensors by the last part of their names.
type foreign struct {
	rank    int    // of its prefix
	path    string // behind the prefix
	tensors map[string]tensor
}

// modules groups the tensors by module, in order; ok is false if one stands
// under no prefix, or if the names leave the order open.
func (s scheme) modules(offered []tensor) (all []foreign, ok bool) {
	index := make(map[string]int)
	for _, t := range offered {
		module := moduleOf(t.name)
		i, seen := index[module]
		if !seen {
			rank := s.rank(module)
			if rank < 0 {
				return nil, false
			}
			i = len(all)
			index[module] = i
			all = append(all, foreign{rank, module[len(s.prefixes[rank]):], make(map[string]tensor)})
		}
		all[i].tensors[lastOf(t.name)] = t
	}
	slices.SortStableFunc(all, func(a, b foreign) int {
		order, _ := compareNumbered(a.path, b.path)
		return cmp.Or(cmp.Compare(a.rank, b.rank), order)
	})
	for i := 1; i < len(all); i++ {
		if _, sure := compareNumbered(all[i-1].path, all[i].path); all[i-1].rank == all[i].rank && !sure {
			return nil, false
		}
	}
	return all, true
}

// rank is the place of the longest prefix that a module stands under, or -1.
func (s scheme) rank(module string) int {
	best := -1
	for i, prefix := range s.prefixes {
		rest, found := strings.CutPrefix(module, prefix)
		if found && (rest == "" || rest[0] == '.') && (best < 0 || len(prefix) > len(s.prefixes[best])) {
			best = i
		}
	}
	return best
}

// compareNumbered orders 2.0 before 10.0. sure is false where it is not numbers
// that give the order.
func compareNumbered(a, b string) (order int, sure bool) {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		if x[i] == y[i] {
			continue
		}
		n, errN := strconv.Atoi(x[i])
		k, errK := strconv.Atoi(y[i])
		if errN != nil || errK != nil {
			return cmp.Compare(x[i], y[i]), false
		}
		return cmp.Compare(n, k), true
	}
	return cmp.Compare(len(x), len(y)), false
}

// weighted lists the weights of each module that has any.
func weighted(modules []models.Module, wanted []graph.Variable) [][]graph.Variable {
	of := make(map[string][]graph.Variable)
	for _, v := range wanted {
		module := moduleOf(v.Name)
		of[module] = append(of[module], v)
	}
	var all [][]graph.Variable
	for _, m := range modules {
		if len(of[m.Name]) > 0 {
			all = append(all, of[m.Name])
		}
	}
	return all
}

// lastOf is the last part of a name, such as weight.
func lastOf(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
