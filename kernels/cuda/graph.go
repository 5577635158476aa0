//go:build gpu

package cuda

/*
#include <cuda.h>
*/
import "C"

import "errors"

// Graph is recorded work, which one call launches.
type Graph struct {
	device  *Device
	program C.CUgraphExec
	nodes   int
}

// Capture records what record queues on s, and on streams that wait for s and
// that s waits for in the end, instead of doing it. Arguments and addresses are
// recorded as they are; what pinned memory holds is read at each launch. Memory
// cannot be taken or freed while recording, nor work waited for. Record runs on
// the device's thread.
func (d *Device) Capture(s *Stream, record func() error) (g *Graph, err error) {
	if err := d.owns(s); err != nil {
		return nil, err
	}
	err = s.queue(func() error {
		if err := checkCode(C.cuStreamBeginCapture(s.handle(), C.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), "cuStreamBeginCapture"); err != nil {
			return err
		}
		recorded := protect(record)
		var graph C.CUgraph
		ended := checkCode(C.cuStreamEndCapture(s.handle(), &graph), "cuStreamEndCapture")
		if graph != nil {
			defer C.cuGraphDestroy(graph)
		}
		if recorded != nil { // the cause, of which a broken capture is the effect
			return recorded
		}
		if ended != nil {
			return ended
		}
		g, err = d.instantiate(graph)
		return err
	})
	return g, err
}

// instantiate makes of a recorded graph what can be launched.
func (d *Device) instantiate(graph C.CUgraph) (*Graph, error) {
	var nodes C.size_t
	if err := checkCode(C.cuGraphGetNodes(graph, nil, &nodes), "cuGraphGetNodes"); err != nil {
		return nil, err
	}
	g := &Graph{device: d, nodes: int(nodes)}
	if err := checkCode(C.cuGraphInstantiateWithFlags(&g.program, graph, 0), "cuGraphInstantiate of %d nodes", nodes); err != nil {
		return nil, tellFree(err)
	}
	d.graphs[g] = true
	d.count(func(u *Usage) { u.Graphs++ })
	return g, nil
}

// Nodes is how many pieces of work were recorded.
func (g *Graph) Nodes() int { return g.nodes }

// Launch queues the recorded work on s.
func (g *Graph) Launch(s *Stream) error {
	if err := g.device.owns(s); err != nil {
		return err
	}
	return s.queue(func() error {
		if !g.device.graphs[g] {
			return errors.New("cuda: the graph is closed already")
		}
		return checkCode(C.cuGraphLaunch(g.program, s.handle()), "cuGraphLaunch of %d nodes", g.nodes)
	})
}

// Close lets the graph go; a launch under way is still done.
func (g *Graph) Close() error {
	return g.device.Do(func() error {
		if !g.device.graphs[g] {
			return errors.New("cuda: the graph is closed already")
		}
		delete(g.device.graphs, g)
		g.device.count(func(u *Usage) { u.Graphs-- })
		return checkCode(C.cuGraphExecDestroy(g.program), "cuGraphExecDestroy")
	})
}
