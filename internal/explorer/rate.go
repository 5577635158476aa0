package explorer

import (
	"sync"
	"time"
)

// rate lets so many requests through a second, and a burst of them at once (a
// token bucket).
type rate struct {
	perSecond, burst float64

	mutex  sync.Mutex
	tokens float64
	at     time.Time
}

func newRate(perSecond, burst float64) *rate {
	return &rate{perSecond: perSecond, burst: burst, tokens: burst}
}

// allow takes a token if there is one.
func (r *rate) allow(now time.Time) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if !r.at.IsZero() {
		r.tokens = min(r.burst, r.tokens+now.Sub(r.at).Seconds()*r.perSecond)
	}
	r.at = now
	if r.tokens < 1 {
		return false
	}
	r.tokens--
	return true
}
