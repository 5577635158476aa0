package data

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"hourglass/kernels"
)

// BatchOptions says how a set is dealt out. Zero Workers and Ahead mean the
// defaults.
type BatchOptions struct {
	// Size is the number of images in a batch.
	Size int
	// Seed and Epoch choose the order and the changes of Augment.
	Seed  uint64
	Epoch uint64
	// Shuffle deals in the order Permutation(n, Seed, Epoch), else in that of
	// the set.
	Shuffle bool
	// Start is the first batch to deliver, so that a resumed epoch goes on
	// where it stopped.
	Start int
	// DropLast leaves out a last batch that is not full.
	DropLast bool
	// Workers is the number of goroutines that fill batches: by default one
	// for each processor, up to 4.
	Workers int
	// Ahead is how many batches may stand ready or in work, by default
	// Workers + 2. Two more exist for the consumer to hold.
	Ahead   int
	Augment Augment
	// Unread leaves the images where they lie: Batch.Picks say what they would
	// be, and Batch.Images is nil.
	Unread bool
}

// consumerBatches is how many batches the consumer may hold while all others
// are prepared: the one in use and the one being copied to the device.
const consumerBatches = 2

// Batch is a number of images. Its slices always have room for Size images;
// where fewer than Size are left, the rest of Images and Picks is 0, the rest of
// Labels and Indices -1.
type Batch struct {
	Images  []float32      // Size·H·W·C
	Picks   []kernels.Pick // Size: what each image is made of
	Labels  []int          // Size
	Indices []int          // Size: where in the set the images stand
	N       int            // how many images there are

	ready bool
	held  bool
	err   error
}

// Batches deals out a set batch by batch. Workers fill the batches ahead of
// their use; whatever their timing, the batches arrive in order, and what is
// in them depends on the options alone. In steady state nothing is allocated.
type Batches struct {
	ds      Dataset
	options BatchOptions
	invalid error // wrong options, which Next reports
	workers sync.WaitGroup

	mutex   sync.Mutex
	changed sync.Cond // a batch was freed, filled or asked for, or all ends
	order   []int     // the set's indices in the order of the epoch
	next    int       // the first batch nobody has taken up
	count   int       // batches in the epoch
	free    []*Batch
	queue   []*Batch // taken up but not delivered, in order
	filling int
	closed  bool
}

// NewBatches starts the workers. Wrong options are reported by Next. Close must
// be called in the end.
func NewBatches(ds Dataset, o BatchOptions) *Batches {
	if o.Workers <= 0 {
		o.Workers = min(runtime.GOMAXPROCS(0), 4)
	}
	if o.Ahead <= 0 {
		o.Ahead = o.Workers + 2
	}
	b := &Batches{ds: ds, options: o}
	b.changed.L = &b.mutex
	if b.invalid = o.check(ds); b.invalid != nil {
		return b
	}
	b.count = ds.Len() / o.Size
	if !o.DropLast {
		b.count = (ds.Len() + o.Size - 1) / o.Size
	}
	b.order = make([]int, ds.Len())
	for range o.Ahead + consumerBatches {
		batch := &Batch{Picks: make([]kernels.Pick, o.Size), Labels: make([]int, o.Size), Indices: make([]int, o.Size)}
		if !o.Unread {
			batch.Images = make([]float32, o.Size*ds.Shape().Size())
		}
		b.free = append(b.free, batch)
	}
	b.queue = make([]*Batch, 0, len(b.free))
	b.deal(o.Epoch, o.Start)
	for range o.Workers {
		b.workers.Go(b.work)
	}
	return b
}

func (o BatchOptions) check(ds Dataset) error {
	if o.Size < 1 || o.Start < 0 {
		return fmt.Errorf("batches: size %d and start %d, want at least 1 and 0", o.Size, o.Start)
	}
	return o.Augment.Check(ds.Shape())
}

// Len is the number of batches in an epoch.
func (b *Batches) Len() int { return b.count }

// deal sets the order of an epoch.
func (b *Batches) deal(epoch uint64, start int) {
	b.options.Epoch = epoch
	b.next = max(start, 0)
	if b.options.Shuffle {
		permute(b.order, kernels.Clock{Seed: b.options.Seed, Step: epoch}, streamShuffle)
		return
	}
	for i := range b.order {
		b.order[i] = i
	}
}

// work takes up batches in order and fills them, until Close.
func (b *Batches) work() {
	scratch := make([]float32, b.ds.Shape().Size())
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for {
		for !b.closed && (b.next >= b.count || len(b.free) == 0 || len(b.queue) >= b.options.Ahead) {
			b.changed.Wait()
		}
		if b.closed {
			return
		}
		batch := b.free[len(b.free)-1]
		b.free = b.free[:len(b.free)-1]
		b.queue = append(b.queue, batch)
		b.filling++
		// The order and the epoch stand still while a batch is filled.
		number := b.next
		b.next++
		b.mutex.Unlock()
		batch.err = b.fill(batch, number, scratch)
		b.mutex.Lock()
		b.filling--
		batch.ready = true
		b.changed.Broadcast()
	}
}

// fill puts batch number of the epoch together. A panic of the set becomes an
// error of the batch.
func (b *Batches) fill(batch *Batch, number int, scratch []float32) (err error) {
	index := -1
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
		if err != nil {
			err = fmt.Errorf("batches: image %d of batch %d of epoch %d: %w", index, number, b.options.Epoch, err)
		}
	}()
	o := &b.options
	first := number * o.Size
	batch.N = min(o.Size, len(b.order)-first)
	for i := range batch.N {
		index = b.order[first+i]
		batch.Picks[i] = o.Augment.draw(o.Seed, o.Epoch, index)
		batch.Labels[i], batch.Indices[i] = b.ds.Label(index), index
		if o.Unread {
			continue
		}
		image := batch.Images[i*len(scratch):][:len(scratch)]
		if err := b.ds.Image(index, image); err != nil {
			return err
		}
		move(batch.Picks[i], image, scratch, b.ds.Shape())
	}
	if !o.Unread {
		clear(batch.Images[batch.N*len(scratch):])
	}
	clear(batch.Picks[batch.N:])
	for i := batch.N; i < o.Size; i++ {
		batch.Labels[i], batch.Indices[i] = -1, -1
	}
	return nil
}

// Next returns the next batch, which is the caller's until Release, and io.EOF
// at the end of the epoch. After an error of one batch the following one can
// be asked for.
func (b *Batches) Next() (*Batch, error) {
	if b.invalid != nil {
		return nil, b.invalid
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for {
		switch {
		case b.closed:
			return nil, errors.New("batches: Next was called after Close")
		case len(b.queue) > 0 && b.queue[0].ready:
			return b.deliver()
		case len(b.queue) == 0 && b.next >= b.count:
			return nil, io.EOF
		case len(b.queue) == 0 && len(b.free) == 0:
			return nil, errors.New("batches: every batch is held by the caller; call Release before Next")
		}
		b.changed.Wait()
	}
}

// deliver hands out the first batch of the queue.
func (b *Batches) deliver() (*Batch, error) {
	batch := b.queue[0]
	b.queue = b.queue[:copy(b.queue, b.queue[1:])]
	batch.ready = false
	b.changed.Broadcast()
	if batch.err != nil {
		b.free = append(b.free, batch)
		return nil, batch.err
	}
	batch.held = true
	return batch, nil
}

// Release gives back a batch that Next returned; its slices are filled anew.
func (b *Batches) Release(batch *Batch) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if batch == nil || !batch.held {
		return
	}
	batch.held = false
	b.free = append(b.free, batch)
	b.changed.Broadcast()
}

// Reset goes on with another epoch, from batch start on, whether or not this
// one is at its end. Batches that the caller holds stay valid until Release.
func (b *Batches) Reset(epoch uint64, start int) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.next = b.count // nothing more is taken up
	for b.filling > 0 {
		b.changed.Wait()
	}
	for _, batch := range b.queue {
		batch.ready = false
		b.free = append(b.free, batch)
	}
	b.queue = b.queue[:0]
	b.deal(epoch, start)
	b.changed.Broadcast()
}

// Close ends the workers and returns when they are gone.
func (b *Batches) Close() {
	b.mutex.Lock()
	b.closed = true
	b.changed.Broadcast()
	b.mutex.Unlock()
	b.workers.Wait()
}
