package safetensors

import (
	"encoding/json"
	"fmt"
	"math"
)

// scanner reads the few forms of JSON that a header has. encoding/json is not
// used for the whole, since it keeps the last of two equal keys silently and
// allocates several times what a hostile header is long. The source must be
// valid UTF-8.
type scanner struct {
	source []byte
	at     int
}

func (s *scanner) errorf(format string, arguments ...any) error {
	return fmt.Errorf("the header is damaged at byte %d: "+format, append([]any{s.at}, arguments...)...)
}

// peek skips white space and returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.source); s.at++ {
		switch c := s.source[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) expect(c byte) error {
	if s.peek() != c || s.at == len(s.source) {
		return s.errorf("want %q", c)
	}
	s.at++
	return nil
}

// sequence reads open, items with commas between, and closing.
func (s *scanner) sequence(open, closing byte, item func() error) error {
	if err := s.expect(open); err != nil {
		return err
	}
	if s.peek() == closing {
		s.at++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if s.peek() == closing {
			s.at++
			return nil
		}
		if err := s.expect(','); err != nil {
			return err
		}
	}
}

// object reads {"key": value, ...}; value reads what follows each colon. Which
// keys may repeat is for value to say.
func (s *scanner) object(value func(key string) error) error {
	return s.sequence('{', '}', func() error {
		key, err := s.text()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		return value(key)
	})
}

func (s *scanner) text() (string, error) {
	if err := s.expect('"'); err != nil {
		return "", err
	}
	begin, escaped := s.at, false
	for ; s.at < len(s.source); s.at++ {
		switch c := s.source[s.at]; {
		case c == '\\':
			escaped = true
			s.at++ // what it escapes ends no string
		case c < ' ':
			return "", s.errorf("a control character stands in a string")
		case c == '"':
			s.at++
			if !escaped {
				return string(s.source[begin : s.at-1]), nil
			}
			var text string
			if err := json.Unmarshal(s.source[begin-1:s.at], &text); err != nil {
				return "", s.errorf("a string has a wrong escape")
			}
			return text, nil
		}
	}
	return "", s.errorf("a string does not end")
}

// integer reads a whole number from 0 to the largest int64.
func (s *scanner) integer() (int64, error) {
	var value int64
	s.peek()
	begin := s.at
	for ; s.at < len(s.source); s.at++ {
		digit := int64(s.source[s.at]) - '0'
		if digit < 0 || digit > 9 {
			break
		}
		if value > (math.MaxInt64-digit)/10 {
			return 0, s.errorf("a number is larger than any file")
		}
		value = 10*value + digit
	}
	switch {
	case s.at == begin:
		return 0, s.errorf("want a whole number of at least 0")
	case s.source[begin] == '0' && s.at > begin+1:
		return 0, s.errorf("a number begins with 0")
	}
	return value, nil
}

func (s *scanner) integers() ([]int64, error) {
	var values []int64
	err := s.sequence('[', ']', func() error {
		value, err := s.integer()
		values = append(values, value)
		return err
	})
	return values, err
}
