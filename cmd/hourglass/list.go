package main

import (
	"fmt"
	"time"

	"hourglass/internal/config"
	"hourglass/internal/runs"
	"hourglass/internal/terminal"
	"hourglass/train"
)

type runsCommand struct {
	Dir string `default:"runs" help:"Folder that holds the runs."`
}

// listed is a run in the list.
type listed struct {
	Name   string    `json:"name"`
	Path   string    `json:"path"`
	Begun  time.Time `json:"begun"`
	Step   int       `json:"step"` // of the latest checkpoint
	State  string    `json:"state"`
	MSE    *float64  `json:"mse,omitempty"`
	Beats  *bool     `json:"beats_pca,omitempty"`
	Loss   string    `json:"loss"`
	Source string    `json:"source"`
}

func (c runsCommand) Run(s *session) error {
	all, err := runs.List(c.Dir)
	if err != nil {
		return err
	}
	rows := []listed{}
	table := terminal.Table{Head: []string{"run", "begun", "step", "mse/px", "beside PCA", "state"}}
	for _, run := range all {
		row := describeRun(run)
		rows = append(rows, row)
		mse, beats := "–", ""
		if row.MSE != nil {
			mse = digits(*row.MSE)
		}
		if row.Beats != nil {
			beats = "loses"
			if *row.Beats {
				beats = "beats"
			}
		}
		table.Rows = append(table.Rows, []string{row.Name, row.Begun.Local().Format("01-02 15:04"), fmt.Sprint(row.Step), mse, beats, row.State})
	}
	if len(all) == 0 {
		s.print("There is no run in %s yet; start one with `hourglass train`.", c.Dir)
	} else {
		s.table(table)
	}
	return s.give(map[string]any{"runs": rows})
}

// describeRun reads what a run's files say; what cannot be read is left out.
func describeRun(run runs.Run) listed {
	row := listed{Name: run.Name(), Path: run.Path, Begun: begun(run), State: "no checkpoint yet"}
	if c, err := config.Load(run.Config()); err == nil {
		row.Loss, row.Source = c.Model.Loss, c.Data.Source
	} else {
		row.State = "its configuration cannot be read"
	}
	if o := readOutcome(run); o.Verdict != nil {
		row.State, row.Step, row.MSE, row.Beats = "done", o.Steps, o.Verdict.Rows[0].MSE, &o.Verdict.BeatsPCA
		return row
	}
	if path, err := train.LatestCheckpoint(run.Checkpoints()); err == nil {
		row.State = "unfinished; --resume goes on"
		if checkpoint, err := train.LoadCheckpoint(path); err == nil {
			row.Step = checkpoint.State.Step
			if row.Step == 0 {
				row.State = "imported; --resume trains on"
			}
		}
	}
	return row
}
