//go:build !gpu

package emulated

// Driver is the emulated driver; this build has none.
type Driver struct{}

// Find finds nothing.
func Find() (driver *Driver, found bool) { return nil, false }

// The methods of the other build.

func (d *Driver) Fail(kind string, nth int)  {}
func (d *Driver) Revive()                    {}
func (d *Driver) Report() string             { return "" }
func (d *Driver) Launches(kernel string) int { return -1 }
func (d *Driver) Kernels() []string          { return nil }
func (d *Driver) Live(kind string) int       { return -1 }
func (d *Driver) SetMemory(bytes int)        {}
func (d *Driver) SetBackwards(on bool)       {}
func (d *Driver) SetEager(on bool)           {}
func (d *Driver) SetDevices(n int)           {}
func (d *Driver) SetCapability(c int)        {}
func (d *Driver) SetCUDA(major, minor int)   {}
