package data

// InTurns returns at most n images of a set to look at: one of each class in
// turn, in the order in which the classes begin, for the first images of a
// folder are all of one class. Images of a single class, or without labels, are
// spread over the set.
func InTurns(ds Dataset, n int) (Dataset, error) {
	n = min(n, ds.Len())
	queues := make(map[int][]int)
	var labels []int // in order of appearance
	for i := range ds.Len() {
		label := ds.Label(i)
		if queues[label] == nil {
			labels = append(labels, label)
		}
		queues[label] = append(queues[label], i)
	}
	chosen := make([]int, 0, n)
	if len(labels) == 1 {
		chosen = Spread(ds.Len(), n)
	}
	for len(chosen) < n {
		for _, label := range labels {
			if queue := queues[label]; len(queue) > 0 && len(chosen) < n {
				chosen, queues[label] = append(chosen, queue[0]), queue[1:]
			}
		}
	}
	return Subset(ds, chosen)
}
