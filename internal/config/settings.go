package config

import "fmt"

// Origin says which layer of settings gave a key its value.
type Origin string

const (
	FromDefault Origin = "default"
	FromPreset  Origin = "preset"
	FromFile    Origin = "file"
	FromFlag    Origin = "flag"
	FromRemedy  Origin = "remedy" // of a failure; see [Settings.Remedy]
	FromImages  Origin = "images" // those of the training set
)

// Settings is a configuration under way, which remembers where each value
// comes from. Apply layers from the weakest: Preset, File, Set.
type Settings struct {
	Config Config
	Preset string // name of the preset the model started from
	origin map[string]Origin
}

// New starts from the defaults.
func New() *Settings {
	return &Settings{Config: Default(), Preset: defaultPreset, origin: make(map[string]Origin)}
}

// Origin returns which layer gave a key, by its full name, its value.
func (s *Settings) Origin(key string) Origin {
	if o, set := s.origin[key]; set {
		return o
	}
	return FromDefault
}

// ApplyPreset applies [SOURCE/]PRESET, or a SOURCE alone.
func (s *Settings) ApplyPreset(text string) error {
	source, name, err := splitPreset(text)
	if err != nil {
		return err
	}
	var chosen []assignment
	if name != "" {
		s.Preset = name
		chosen = presets[name].keys
	}
	if source != "" {
		chosen = append([]assignment{{"data.source", source}}, chosen...)
	}
	for _, a := range chosen {
		if err := s.set(a.key, a.text, FromPreset); err != nil {
			return err
		}
	}
	return nil
}

// Set gives one key, named in full or by its flag's name, a value.
func (s *Settings) Set(key, text string) error { return s.set(key, text, FromFlag) }

// Observe gives a key the value that the training images have.
func (s *Settings) Observe(key, text string) error { return s.set(key, text, FromImages) }

func (s *Settings) set(key, text string, origin Origin) error {
	k, err := find(key)
	if err != nil {
		return err
	}
	if err := k.set(&s.Config, text); err != nil {
		return err
	}
	s.origin[k.Name] = origin
	return nil
}

// Marshal writes the configuration with the origin of each value behind it.
func (s *Settings) Marshal() []byte {
	return write(s.Config, func(k Key) string { return fmt.Sprintf("# %s", s.Origin(k.Name)) })
}
