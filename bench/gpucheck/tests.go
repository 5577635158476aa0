package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// listTests are the tests of packages, by the base of their folders, that want a driver,
// a real one among others: those that call gputest.Use, themselves or through others
// of their package.
func listTests(folders []string) (map[string][]string, error) {
	tests := map[string][]string{}
	for _, folder := range folders {
		paths, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
		if err != nil {
			return nil, err
		}
		calls := map[string][]string{} // of each function
		for _, path := range paths {
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return nil, fmt.Errorf("listing tests: %w", err)
			}
			for _, d := range file.Decls {
				f, ok := d.(*ast.FuncDecl)
				if !ok || f.Recv != nil || f.Body == nil {
					continue
				}
				ast.Inspect(f.Body, func(n ast.Node) bool {
					switch n := n.(type) {
					case *ast.Ident:
						calls[f.Name.Name] = append(calls[f.Name.Name], n.Name)
					case *ast.SelectorExpr:
						if of, ok := n.X.(*ast.Ident); ok {
							calls[f.Name.Name] = append(calls[f.Name.Name], of.Name+"."+n.Sel.Name)
						}
					}
					return true
				})
			}
		}
		for name := range calls {
			if strings.HasPrefix(name, "Test") && reaches(calls, name, "gputest.Use", map[string]bool{}) {
				tests[filepath.Base(folder)] = append(tests[filepath.Base(folder)], name)
			}
		}
		slices.Sort(tests[filepath.Base(folder)])
	}
	return tests, nil
}

// reaches tells whether a function calls another, or calls one that does.
func reaches(calls map[string][]string, from, to string, been map[string]bool) bool {
	been[from] = true
	return slices.ContainsFunc(calls[from], func(called string) bool {
		return called == to || calls[called] != nil && !been[called] && reaches(calls, called, to, been)
	})
}

// tested counts tests by how they ended.
type tested struct {
	Passed  int      `json:"passed"`
	Failed  []string `json:"failed,omitempty"`
	Skipped int      `json:"skipped"` // what only the emulated driver does
	NotRun  []string `json:"not_run,omitempty"`
}

const (
	atATime  = 6                // tests
	testTime = 80 * time.Second // of one
)

// tests runs the tests of a binary, each in a process of its own: one that loses the
// device loses it for itself alone. In a rehearsal few are run, and of tests with
// subtests of this name those.
func (r *run) tests(binary, subtest string) func(context.Context) (any, error) {
	return func(ctx context.Context) (any, error) {
		names, err := r.testsOf(ctx, binary)
		if err != nil {
			return nil, err
		}
		if r.dry {
			names = slices.DeleteFunc(names, func(name string) bool {
				return !strings.Contains(name, "FollowsTheCPU") && !strings.HasSuffix(name, "OnCUDA") && binary != "cuda.test"
			})
		}
		var t tested
		var mutex sync.Mutex
		var running sync.WaitGroup
		slots := make(chan struct{}, r.pick(atATime, 1))
		for _, name := range names {
			slots <- struct{}{}
			running.Go(func() {
				defer func() { <-slots }()
				state := r.test(ctx, binary, name, subtest)
				mutex.Lock()
				defer mutex.Unlock()
				switch state {
				case passed:
					t.Passed++
				case skipped:
					t.Skipped++
				case notRun:
					t.NotRun = append(t.NotRun, name)
				default:
					t.Failed = append(t.Failed, name)
				}
			})
		}
		running.Wait()
		switch {
		case len(t.Failed) > 0:
			return t, fmt.Errorf("%s: %s failed; the log has what they said", binary, strings.Join(t.Failed, ", "))
		case ctx.Err() != nil:
			return t, context.Cause(ctx)
		case t.Passed == 0:
			return t, fmt.Errorf("%s: no test passed", binary)
		}
		return t, nil
	}
}

// testsOf are those that tests.json lists; of a package that it does not know, all.
func (r *run) testsOf(ctx context.Context, binary string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(r.folder, "tests.json"))
	if err != nil {
		return nil, err
	}
	var known map[string][]string
	if err := json.Unmarshal(text, &known); err != nil {
		return nil, fmt.Errorf("reading tests.json: %w", err)
	}
	if names := known[strings.TrimSuffix(binary, ".test")]; names != nil {
		return names, nil
	}
	output, err := r.execute(ctx, filepath.Join(r.folder, binary), "-test.list=^Test")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(strings.Fields(output), func(name string) bool { return name == "TestBothBuildsExportTheSame" }), nil // which reads sources
}

// test runs one.
func (r *run) test(ctx context.Context, binary, name, subtest string) (state string) {
	if ctx.Err() != nil {
		return notRun
	}
	own := ctx
	pattern := "^" + name + "$"
	if r.dry && subtest != "" {
		pattern += "/" + subtest
	} else if !r.dry {
		var cancel context.CancelFunc
		own, cancel = context.WithTimeout(ctx, testTime)
		defer cancel()
	}
	c := command(own, filepath.Join(r.folder, binary), "-test.v", "-test.timeout=0", "-test.run="+pattern)
	c.Dir = r.folder
	output, err := c.CombinedOutput()
	switch {
	case err != nil && ctx.Err() != nil:
		return notRun
	case err != nil:
		r.log.section(fmt.Sprintf("%s %s: %v", binary, name, errors.Join(err, own.Err())), string(output))
		return failed
	case bytes.Contains(output, []byte("\n--- SKIP: "+name+" ")) || bytes.HasPrefix(output, []byte("--- SKIP")):
		return skipped
	case bytes.Contains(output, []byte("--- PASS: "+name+" ")):
		return passed
	}
	r.log.section(fmt.Sprintf("%s %s has not run", binary, name), string(output))
	return failed
}
