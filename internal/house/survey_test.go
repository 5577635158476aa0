package house

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// file is what the house wants to know of a Go file.
type file struct {
	path    string // slash-separated, from the root
	name    string // of the package
	imports []string
	tags    []string // named in build constraints, negated ones too
	exits   string   // a function it uses that ends the process, or ""
}

// survey parses all Go files of the module at the root, whatever their build
// tags: go list would leave out those that this machine does not build.
func survey(root fs.FS) ([]file, error) {
	var files []file
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != "." && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") || isModule(root, name)) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		source, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		f, err := read(name, source)
		files = append(files, f)
		return err
	})
	return files, err
}

func isModule(root fs.FS, folder string) bool {
	_, err := fs.Stat(root, path.Join(folder, "go.mod"))
	return err == nil
}

func read(name string, source []byte) (file, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return file{}, err
	}
	f := file{path: name, name: parsed.Name.Name}
	local := map[string]string{} // what os and log are called here
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return file{}, err
		}
		f.imports = append(f.imports, imported)
		called := path.Base(imported)
		if spec.Name != nil {
			called = spec.Name.Name
		}
		local[called] = imported
	}
	for _, group := range parsed.Comments {
		if group.Pos() > parsed.Package {
			break
		}
		for _, comment := range group.List {
			f.tags = append(f.tags, tags(comment.Text)...)
		}
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok {
			if from, ok := selector.X.(*ast.Ident); ok && ends(local[from.Name], selector.Sel.Name) {
				f.exits = local[from.Name] + "." + selector.Sel.Name
			}
		}
		return true
	})
	return f, nil
}

// tags returns those named in a comment that is a build constraint.
func tags(comment string) []string {
	if !constraint.IsGoBuild(comment) && !constraint.IsPlusBuild(comment) {
		return nil
	}
	expression, err := constraint.Parse(comment)
	if err != nil {
		return nil // the compiler will say so
	}
	var named []string
	expression.Eval(func(tag string) bool { // asks for every tag, come what may
		named = append(named, tag)
		return true
	})
	return named
}

func ends(imported, function string) bool {
	return imported == "os" && function == "Exit" || imported == "log" && strings.HasPrefix(function, "Fatal")
}
