package main

import (
	"fmt"
	"os"
	"strings"

	"hourglass/internal/config"
	"hourglass/internal/runs"
	"hourglass/train/diagnose"
)

// remedied is why and how a run was begun once again.
type remedied struct {
	Failure diagnose.Failure `json:"failure"`
	Message string           `json:"message"`
	Changes []string         `json:"changes"` // of the configuration
	Kept    string           `json:"kept"`    // folder of what failed; empty if nothing was written
}

// stopOn says which failures end the run; nil for none.
func (j *training) stopOn() func(diagnose.Failure) bool {
	switch j.config.Train.OnCollapse {
	case config.Stop:
		return diagnose.Failure.Collapse
	case config.Fix:
		return func(f diagnose.Failure) bool {
			trial := config.New()
			trial.Config = j.config
			return (f.Collapse() || f == diagnose.Identity) && len(trial.Remedy(f, j.sets.training.Shape())) > 0
		}
	}
	return nil
}

// remedy changes the configuration of a run that has failed and puts the folder of
// what failed out of the way. The run is not begun a third time.
func (j *training) remedy(found diagnose.Finding) error {
	j.settings.Config = j.config
	changes := j.settings.Remedy(found.Failure, j.sets.training.Shape())
	kept := runs.Run{Path: unused(j.folder.Path + "-failed")}
	if err := os.Rename(j.folder.Path, kept.Path); err != nil {
		return fmt.Errorf("%s, and beginning again: %w", found.Message, err)
	}
	j.settings.Config.Train.OnCollapse = config.Warn
	j.config, j.resumed = j.settings.Config, false
	j.remedied = &remedied{found.Failure, found.Message, changes, kept.Path}
	j.say("%s; the run begins once again, with %s; what failed is kept in %s", found.Message, strings.Join(changes, ", "), kept.Path)
	return nil
}

// unused is a path at which nothing is, with a number behind it if need be.
func unused(path string) string {
	free := path
	for n := 2; ; n++ {
		if _, err := os.Lstat(free); err != nil {
			return free
		}
		free = fmt.Sprintf("%s-%d", path, n)
	}
}
