package redisbridge

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

func TestAWholeMessagePackValueIsWalkedToItsEnd(t *testing.T) {
	values := []any{
		nil, true, 0, -1, 127, 128, -128, 1 << 15, -1 << 15, 1 << 31, -1 << 31, int64(math.MaxInt64), uint64(math.MaxUint64),
		float32(1.5), 1.5, "", "x", string(make([]byte, 31)), string(make([]byte, 32)), string(make([]byte, 300)), string(make([]byte, 70_000)),
		[]byte{},
		make([]byte, 300), make([]byte, 70_000),
		[]any{},
		[]any{1, "x"},
		make([]any, 20), make([]any, 70_000),
		map[string]any{},
		map[string]any{"a": []any{map[string]any{"b": nil}}},
	}
	big := map[string]any{}
	for i := range 20 {
		big[string(rune('a'+i))] = i
	}
	for _, v := range append(values, big) {
		data, err := msgpack.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkNesting(data); err != nil {
			t.Errorf("%T of %d bytes: %v", v, len(data), err)
		}
		if err := checkNesting(append(data, 0xc0)); !errors.Is(err, errTruncated) {
			t.Errorf("%T followed by another value: %v", v, err)
		}
		if len(data) > 1 && len(data) < 1000 {
			for cut := range len(data) {
				if err := checkNesting(data[:cut]); !errors.Is(err, errTruncated) {
					t.Errorf("%T cut at %d: %v", v, cut, err)
				}
			}
		}
	}
}

func TestExtensionsAreWalkedOver(t *testing.T) {
	for _, head := range [][]byte{
		{0xd4, 1}, {0xd5, 1}, {0xd6, 1}, {0xd7, 1}, {0xd8, 1}, // fixext 1..16
		{0xc7, 3, 1}, {0xc8, 0, 3, 1}, {0xc9, 0, 0, 0, 3, 1}, // ext 8, 16, 32
	} {
		size := 3
		if head[0] >= 0xd4 {
			size = 1 << (head[0] - 0xd4)
		}
		data := append(append([]byte(nil), head...), make([]byte, size)...)
		if err := checkNesting(data); err != nil {
			t.Errorf("%x: %v", head, err)
		}
		if err := checkNesting(data[:len(data)-1]); !errors.Is(err, errTruncated) {
			t.Errorf("%x cut off: %v", head, err)
		}
	}
}

func TestNestingIsBoundedWithoutRecursion(t *testing.T) {
	for name, level := range map[string][]byte{
		"arrays": {0x91}, "maps in values": {0x81, 0xa1, 'x'}, "maps in keys": {0x81}, "big arrays": {0xdd, 0, 0, 0, 1},
	} {
		if err := checkNesting(bytes.Repeat(level, 1_000_000)); !errors.Is(err, errTooDeep) {
			t.Errorf("a million %s: %v", name, err)
		}
	}
	deepest := append(bytes.Repeat([]byte{0x91}, maxNesting), 0xc0)
	if err := checkNesting(deepest); err != nil {
		t.Errorf("%d levels: %v", maxNesting, err)
	}
	if err := checkNesting(append([]byte{0x91}, deepest...)); !errors.Is(err, errTooDeep) {
		t.Errorf("%d levels: %v", maxNesting+1, err)
	}
}

func TestALengthThatNothingFollowsCostsNothing(t *testing.T) {
	for _, data := range [][]byte{
		{0xdd, 0xff, 0xff, 0xff, 0xff},
		{0xdf, 0xff, 0xff, 0xff, 0xff},
		{0xc6, 0xff, 0xff, 0xff, 0xff},
		{0xdb, 0xff, 0xff, 0xff, 0xff},
		{0xc9, 0xff, 0xff, 0xff, 0xff, 1},
		{0xdc, 0xff},
		{0xd9},
	} {
		if err := checkNesting(data); !errors.Is(err, errTruncated) {
			t.Errorf("%x: %v", data, err)
		}
	}
}
