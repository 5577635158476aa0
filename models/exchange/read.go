package exchange

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hourglass/graph"
	"hourglass/internal/nearest"
	"hourglass/internal/safetensors"
	"hourglass/models"
)

// ErrOtherModel is wrapped by the error of a file whose tensors are not those of
// the model.
var ErrOtherModel = errors.New("does not fit the model")

// Rename says that a tensor, or all tensors of a module, are called otherwise
// in the file. Without a new name, that of the module is taken off its tensors'.
type Rename struct{ Old, New string }

// ReadWeights copies weights that were trained elsewhere into a model. Tensors
// called as in [models.StateDict] are taken as they are; otherwise the file must
// follow a known scheme, whose name is returned. Names are changed before
// either. The model is changed only if the file has the weights of all of its
// modules, in their shapes, and no others; the error names what is in the way.
// Variables beside the modules, such as a learned variance of pixels, stay as
// they are where the file has none of their name.
func ReadWeights(path string, m Model, renames []Rename) (scheme string, err error) {
	file, err := safetensors.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading weights: %w", err)
	}
	defer file.Close()
	offered, err := offer(file, renames)
	if err != nil {
		return "", fmt.Errorf("reading weights of %s: %w", path, err)
	}
	scheme, sources, err := assign(m, offered)
	if err != nil {
		return "", fmt.Errorf("%s %w: %w", path, ErrOtherModel, err)
	}
	wanted := models.StateDict(m.Store())
	values := make([][]float32, len(wanted))
	for i, v := range wanted {
		if sources[v.Name] == "" {
			continue
		}
		values[i] = make([]float32, len(v.Data))
		if err := safetensors.ReadFloats(file, sources[v.Name], values[i]); err != nil {
			return "", fmt.Errorf("reading weights of %s: %w", path, err)
		}
		for _, x := range values[i] {
			if x-x != 0 {
				return "", fmt.Errorf("%s cannot be used: tensor %s holds NaN, infinity, or a number beyond float32", path, sources[v.Name])
			}
		}
	}
	for i, v := range wanted {
		if values[i] != nil {
			v.Write(values[i])
		}
	}
	return scheme, nil
}

// tensor is one of the file, under its name there and its name as changed.
type tensor struct {
	safetensors.Tensor
	name string
}

// offer lists the tensors of a file that are weights, under changed names.
func offer(file *safetensors.File, renames []Rename) ([]tensor, error) {
	var all []tensor
	for _, t := range file.Tensors() {
		last := t.Name[strings.LastIndexByte(t.Name, '.')+1:]
		if last != batchesTracked && !strings.HasPrefix(t.Name, "optimizer.") {
			all = append(all, tensor{t, t.Name})
		}
	}
	unwrap(all)
	used := make([]bool, len(renames))
	taken := make(map[string]string)
	for i := range all {
		before := all[i].name
		for r, rename := range renames {
			rest, found := strings.CutPrefix(before, rename.Old)
			if found && (rest == "" || rest[0] == '.') {
				all[i].name, used[r] = strings.TrimPrefix(rename.New+rest, "."), true
				break
			}
		}
		if other, twice := taken[all[i].name]; twice {
			return nil, fmt.Errorf("both %s and %s would be called %s; rename one of them otherwise", other, all[i].Name, all[i].name)
		}
		taken[all[i].name] = all[i].Name
	}
	for r, rename := range renames {
		if !used[r] {
			return nil, fmt.Errorf("no tensor or module is called %s%s", rename.Old, meant(rename.Old, modulesOf(all)))
		}
	}
	return all, nil
}

// unwrap takes off what wrappers such as DataParallel put before every name.
func unwrap(all []tensor) {
	for len(all) > 0 {
		first, _, nested := strings.Cut(all[0].name, ".")
		switch first {
		case "module", "model", "state_dict", "_orig_mod":
		default:
			return
		}
		for _, t := range all {
			nested = nested && strings.HasPrefix(t.name, first+".")
		}
		if !nested {
			return
		}
		for i := range all {
			all[i].name = all[i].name[len(first)+1:]
		}
	}
}

// modulesOf lists the names that a rename could mean: of tensors and of modules.
func modulesOf(all []tensor) []string {
	var names []string
	for _, t := range all {
		for name := t.name; name != ""; {
			names = append(names, name)
			name = name[:max(0, strings.LastIndexByte(name, '.'))]
		}
	}
	return names
}

func meant(name string, names []string) string {
	if near, ok := nearest.Of(name, names); ok {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}

// assign finds for each of the model's weights the tensor of the file.
func assign(m Model, offered []tensor) (scheme string, sources map[string]string, err error) {
	wanted, beside := divide(m)
	var given map[string]string
	given, offered = optional(beside, offered)
	if sources, err = direct(wanted, offered); err != nil {
		for _, s := range schemes {
			if found, ok := s.assign(m, wanted, offered); ok {
				scheme, sources, err = s.name, found, nil
				break
			}
		}
	}
	maps.Copy(given, sources)
	return scheme, given, err
}

// optional takes what the file has of the variables beside the modules.
func optional(beside []graph.Variable, offered []tensor) (sources map[string]string, left []tensor) {
	sources = make(map[string]string)
	for _, t := range offered {
		i := slices.IndexFunc(beside, func(v graph.Variable) bool { return v.Name == t.name && v.Shape.Equal(t.Shape) })
		if i < 0 {
			left = append(left, t)
		} else {
			sources[t.name] = t.Name
		}
	}
	return sources, left
}

// direct assigns by equal names, or says what differs.
func direct(wanted []graph.Variable, offered []tensor) (map[string]string, error) {
	byName := make(map[string]tensor, len(offered))
	for _, t := range offered {
		byName[t.name] = t
	}
	var lacking []graph.Variable
	var problems []string
	sources := make(map[string]string, len(wanted))
	for _, v := range wanted {
		t, found := byName[v.Name]
		delete(byName, v.Name)
		switch {
		case !found:
			lacking = append(lacking, v)
		case !t.Shape.Equal(v.Shape):
			problems = append(problems, fmt.Sprintf("it has %s as %v and the model as %v", t.Name, t.Shape, v.Shape))
		default:
			sources[v.Name] = t.Name
		}
	}
	var surplus []tensor
	for _, t := range offered {
		if _, left := byName[t.name]; left {
			surplus = append(surplus, t)
		}
	}
	for _, v := range lacking {
		problems = append(problems, fmt.Sprintf("it lacks %s %v%s", v.Name, v.Shape, candidate(v, surplus)))
	}
	for _, t := range surplus {
		problems = append(problems, fmt.Sprintf("it has %s %v, which the model does not", t.Name, t.Shape))
	}
	if len(problems) == 0 {
		return sources, nil
	}
	const enough = 4
	if more := len(problems) - enough; more > 0 {
		problems = append(problems[:enough], fmt.Sprintf("and %d more", more))
	}
	return nil, fmt.Errorf("%s; change the model, or rename the tensors", strings.Join(problems, ", "))
}

// candidate says which surplus tensor could be meant: one of its shape, the
// nearest by name if there are several.
func candidate(v graph.Variable, surplus []tensor) string {
	var names []string
	for _, t := range surplus {
		if t.Shape.Equal(v.Shape) {
			names = append(names, t.name)
		}
	}
	if near, ok := nearest.Of(v.Name, names); ok {
		return fmt.Sprintf(" (perhaps %s)", near)
	}
	if len(names) > 0 {
		return fmt.Sprintf(" (perhaps %s)", names[0])
	}
	return ""
}
