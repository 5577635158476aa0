// Package config answers: what is a run told to do? One tree of structs is at
// once the YAML file, the flags of the command line and what is explained.
//
//	Default ──► Preset ──► File ──► Set            each overrides the one before,
//	                                  │            and Settings remembers which did
//	                                  ▼
//	            Config ──Validate──► one sentence, or nil
//	              │ Marshal: complete, so that a run can be repeated from it
//	              ├─► DataOptions, Augment     for package data
//	              ├─► Spec                     for package models
//	              ├─► Optimiser, Schedule      for package train
//	              └─► Remedy                   another Config, for a run that has failed
//
// It never knows how a flag is typed, what a terminal is or where runs lie.
package config
