package terminal

import (
	"fmt"
	"math"
	"time"
)

// Count writes a number with three significant digits and k, M, G or T for the
// thousands: 999, 41.2k, 1.25M.
func Count(n float64) string { return scaled(n, "", []string{"", "k", "M", "G", "T"}) }

// Bytes writes a size in decimal units: 512 B, 41.2 kB, 1.25 MB.
func Bytes(n float64) string { return scaled(n, " ", []string{"B", "kB", "MB", "GB", "TB"}) }

// Rate writes how many of something pass in a second: 41.2k img/s. Infinite and
// undefined rates, those over no time at all, are a dash.
func Rate(perSecond float64, of string) string {
	if math.IsInf(perSecond, 0) || math.IsNaN(perSecond) {
		return "– " + of + "/s"
	}
	return Count(perSecond) + " " + of + "/s"
}

// scaled writes n with three significant digits, whole below 1,000 if it is
// whole, and the unit of its power of 1,000.
func scaled(n float64, space string, units []string) string {
	if n == math.Trunc(n) && math.Abs(n) < 1000 {
		return fmt.Sprintf("%.0f%s%s", n, space, units[0])
	}
	unit := 0
	for math.Abs(n) >= 999.5 && unit < len(units)-1 { // 999.5 would be rounded to 1000
		n /= 1000
		unit++
	}
	digits := 2
	switch size := math.Abs(n); {
	case size >= 99.95:
		digits = 0
	case size >= 9.995:
		digits = 1
	}
	return fmt.Sprintf("%.*f%s%s", digits, n, space, units[unit])
}

// Duration writes a time as 15 ms below a second, 1.25 s below ten, and beyond
// as 0:38, 1:02:05 or 2d 03:04:05.
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Duration(-d)
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Truncate(10*time.Millisecond).Seconds())
	}
	return clock(d)
}

// clock writes whole seconds as 0:38, 1:02:05 or 2d 03:04:05.
func clock(d time.Duration) string {
	seconds := int64(d.Round(time.Second) / time.Second)
	days, hours, minutes := seconds/86400, seconds/3600%24, seconds/60%60
	seconds %= 60
	switch {
	case days > 0:
		return fmt.Sprintf("%dd %02d:%02d:%02d", days, hours, minutes, seconds)
	case hours > 0:
		return fmt.Sprintf("%d:%02d:%02d", hours, minutes, seconds)
	}
	return fmt.Sprintf("%d:%02d", minutes, seconds)
}
