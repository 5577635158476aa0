package tune

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Marshal is the text of a record, as [ReadRecord] reads it.
func (r Record) Marshal() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	return append(text, '\n'), err
}

// ReadRecord reads the tiles that a run was begun with; none where there is no
// such file. A damaged one is an error, for without it the run would go on with
// other sums.
func ReadRecord(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var r Record
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err == nil && r.Tiles == nil {
		err = errors.New("it names no tiles")
	}
	if err != nil {
		return nil, fmt.Errorf("the tiles that the run was begun with cannot be read from %s: %w; delete the file to let them be chosen anew, which may change results in the last bits", path, err)
	}
	return r.Tiles, nil
}
