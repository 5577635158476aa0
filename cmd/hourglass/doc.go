// Command hourglass trains autoencoders and says how good they are. It answers:
// what does a person type, and see?
//
//	arguments ──kong──► a command ──► train, models, data, graph
//	                        │
//	                        ├─ standard output: results, or with --json one object
//	                        ├─ standard error: "hourglass: " and one sentence
//	                        └─ exit: 0 done, 1 failed, 2 typed wrongly,
//	                                 3 gate not met, 130 interrupted
//
// What a user of the packages would want too stands in the packages.
package main
