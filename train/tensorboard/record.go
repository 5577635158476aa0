package tensorboard

import (
	"encoding/binary"
	"hash/crc32"
)

// castagnoli is the polynomial of the records' checksums.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum of TFRecord: a CRC-32C that is turned and shifted, so
// that a checksum of data that hold checksums is no trivial one.
func masked(data []byte) uint32 {
	sum := crc32.Checksum(data, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}

// appendRecord appends the record of some data:
//
//	length uint64 | masked(length) uint32 | data | masked(data) uint32, little endian
func appendRecord(dst, data []byte) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(data)))
	dst = binary.LittleEndian.AppendUint32(dst, masked(dst[start:]))
	dst = append(dst, data...)
	return binary.LittleEndian.AppendUint32(dst, masked(data))
}
