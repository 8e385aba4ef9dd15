package redisbridge

import (
	"encoding/binary"
	"errors"
)

// maxNesting is how deep a MessagePack value may nest. The decoder recurses, and a
// megabyte of opening brackets would exhaust the stack, which no recover catches;
// encoding/json has such a limit of its own.
const maxNesting = 100

var (
	errTooDeep   = errors.New("nested deeper than 100")
	errTruncated = errors.New("not one whole MessagePack value")
)

// checkNesting walks one MessagePack value without recursion. It refuses what is too
// deep, cut off, or followed by something else.
func checkNesting(data []byte) error {
	open := make([]uint64, 1, 16) // values still to come, per level
	open[0] = 1
	for len(open) > 0 {
		top := len(open) - 1
		if open[top] == 0 {
			open = open[:top]
			continue
		}
		open[top]--
		skip, children, err := header(data)
		if err != nil {
			return err
		}
		if uint64(len(data)) < skip {
			return errTruncated
		}
		data = data[skip:]
		if children > 0 {
			if len(open) > maxNesting {
				return errTooDeep
			}
			open = append(open, children)
		}
	}
	if len(data) != 0 {
		return errTruncated
	}
	return nil
}

// header returns how many bytes the value at the front takes without its children,
// and how many children follow.
func header(data []byte) (size, children uint64, err error) {
	if len(data) == 0 {
		return 0, 0, errTruncated
	}
	b := data[0]
	switch {
	case b < 0x80 || b >= 0xe0: // fixint
		return 1, 0, nil
	case b < 0x90: // fixmap
		return 1, 2 * uint64(b&0x0f), nil
	case b < 0xa0: // fixarray
		return 1, uint64(b & 0x0f), nil
	case b < 0xc0: // fixstr
		return 1 + uint64(b&0x1f), 0, nil
	}
	f := formats[b-0xc0]
	if len(data) < 1+int(f.length) {
		return 0, 0, errTruncated
	}
	n := uint64(0)
	switch f.length {
	case 1:
		n = uint64(data[1])
	case 2:
		n = uint64(binary.BigEndian.Uint16(data[1:]))
	case 4:
		n = uint64(binary.BigEndian.Uint32(data[1:]))
	}
	size = 1 + uint64(f.length) + uint64(f.fixed)
	if f.perItem > 0 {
		return size, n * uint64(f.perItem), nil
	}
	return size + n, 0, nil
}

// formats are the types from 0xc0 to 0xdf: how many bytes the length takes, how many
// bytes of a fixed size follow, and for arrays and maps how many values an item is.
var formats = [32]struct{ length, fixed, perItem uint8 }{
	0x04: {1, 0, 0}, 0x05: {2, 0, 0}, 0x06: {4, 0, 0}, // bin
	0x07: {1, 1, 0}, 0x08: {2, 1, 0}, 0x09: {4, 1, 0}, // ext
	0x0a: {0, 4, 0}, 0x0b: {0, 8, 0}, // float
	0x0c: {0, 1, 0}, 0x0d: {0, 2, 0}, 0x0e: {0, 4, 0}, 0x0f: {0, 8, 0}, // uint
	0x10: {0, 1, 0}, 0x11: {0, 2, 0}, 0x12: {0, 4, 0}, 0x13: {0, 8, 0}, // int
	0x14: {0, 2, 0}, 0x15: {0, 3, 0}, 0x16: {0, 5, 0}, 0x17: {0, 9, 0}, 0x18: {0, 17, 0}, // fixext
	0x19: {1, 0, 0}, 0x1a: {2, 0, 0}, 0x1b: {4, 0, 0}, // str
	0x1c: {2, 0, 1}, 0x1d: {4, 0, 1}, // array
	0x1e: {2, 0, 2}, 0x1f: {4, 0, 2}, // map
}
