package terminal

import (
	"math"
	"testing"
	"time"
)

func TestCount(t *testing.T) {
	for n, want := range map[float64]string{
		0: "0", 7: "7", 999: "999", 0.25: "0.25", 12.34: "12.3", 123.4: "123",
		999.7: "1.00k", 1000: "1.00k", 1234: "1.23k", 41_234: "41.2k", 99_949: "99.9k", 99_951: "100k",
		999_499: "999k", 999_500: "1.00M", 1_250_000: "1.25M", 9_996_000: "10.0M",
		3e9: "3.00G", 4.5e12: "4.50T", 1e16: "10000T", -1234: "-1.23k",
	} {
		if got := Count(n); got != want {
			t.Errorf("Count(%v) = %q, want %q", n, got, want)
		}
	}
}

func TestBytesAndRate(t *testing.T) {
	for got, want := range map[string]string{
		Bytes(512):               "512 B",
		Bytes(41_234):            "41.2 kB",
		Bytes(1_250_000):         "1.25 MB",
		Bytes(140e9):             "140 GB",
		Rate(41_234, "img"):      "41.2k img/s",
		Rate(math.Inf(1), "img"): "– img/s",
		Rate(math.NaN(), "img"):  "– img/s",
		Rate(0.5, "img"):         "0.50 img/s",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                                     "0 µs",
		15 * time.Microsecond:                 "15 µs",
		15 * time.Millisecond:                 "15 ms",
		1250 * time.Millisecond:               "1.25 s",
		9999 * time.Millisecond:               "9.99 s",
		10 * time.Second:                      "0:10",
		38 * time.Second:                      "0:38",
		59*time.Second + 600*time.Millisecond: "1:00",
		62*time.Minute + 5*time.Second:        "1:02:05",
		51*time.Hour + 4*time.Minute + 5*time.Second: "2d 03:04:05",
		-38 * time.Second: "-0:38",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d ns) = %q, want %q", d, got, want)
		}
	}
}
