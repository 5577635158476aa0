package codec

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"

	"hourglass/graph"
	"hourglass/models"
)

// identity is the beginning of a SHA-256 of a model's weights: enough that no
// model passes for another by chance.
type identity [8]byte

func (i identity) String() string { return hex.EncodeToString(i[:]) }

// Identity names a model by its weights: 16 hexadecimal digits that change when
// any of them does.
func Identity(model models.Model) string { return identify(model).String() }

func identify(model models.Model) identity {
	h := sha256.New()
	fmt.Fprintf(h, "%v %d\n", model.Input(), model.CodeSize())
	store := model.Store()
	piece := make([]byte, 0, 1<<16)
	for _, variables := range [][]graph.Variable{store.Parameters, store.State} {
		for _, v := range variables {
			fmt.Fprintf(h, "%q %v\n", v.Name, v.Shape)
			for data := v.Read(); len(data) > 0; data = data[min(len(data), cap(piece)/4):] {
				piece = piece[:0]
				for _, x := range data[:min(len(data), cap(piece)/4)] {
					piece = binary.LittleEndian.AppendUint32(piece, math.Float32bits(x))
				}
				h.Write(piece)
			}
		}
	}
	return identity(h.Sum(nil)[:len(identity{})])
}

// parseIdentity reads what String writes.
func parseIdentity(text string) (i identity, err error) {
	read, err := hex.DecodeString(text)
	if err != nil || len(read) != len(i) {
		return i, fmt.Errorf("%q names no model, want %d hexadecimal digits", text, 2*len(i))
	}
	return identity(read), nil
}
