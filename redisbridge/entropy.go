package redisbridge

import (
	"crypto/rand"
	"encoding/binary"
)

// SystemEntropy returns 64 random bits of the system. It may be called from any
// goroutine. crypto/rand never fails since Go 1.24; it ends the program instead.
func SystemEntropy() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}
