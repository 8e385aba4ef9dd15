// Package gauge reads what benchmarks measure, of a server and of this process, and writes
// figures. demo bench and the comparison with other libraries use it.
package gauge

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Section is a section of INFO, by key.
type Section map[string]string

// Info reads a section of INFO.
func Info(ctx context.Context, client redis.UniversalClient, section string) (Section, error) {
	text, err := client.Info(ctx, section).Result()
	if err != nil {
		return nil, err
	}
	out := Section{}
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			out[k] = v
		}
	}
	return out, nil
}

// Number returns a value that is a number.
func (s Section) Number(key string) (float64, error) {
	n, err := strconv.ParseFloat(s[key], 64)
	if err != nil {
		return 0, fmt.Errorf("INFO has no %s", key)
	}
	return n, nil
}

// Traffic is what a server did since it started.
type Traffic struct {
	Executed float64 // commands, those inside scripts included
	In, Out  float64 // bytes of network
}

// ReadTraffic reads it.
func ReadTraffic(ctx context.Context, client redis.UniversalClient) (t Traffic, err error) {
	stats, err := Info(ctx, client, "stats")
	if err != nil {
		return t, err
	}
	for key, into := range map[string]*float64{
		"total_commands_processed": &t.Executed, "total_net_input_bytes": &t.In, "total_net_output_bytes": &t.Out,
	} {
		if *into, err = stats.Number(key); err != nil {
			return t, err
		}
	}
	return t, nil
}

// HeapInUse is how many bytes of this process's heap are reachable.
func HeapInUse() float64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// Quantile of a sorted list that is not empty.
func Quantile(list []time.Duration, percent int) time.Duration {
	return list[min(len(list)*percent/100, len(list)-1)]
}

// MS is a duration in milliseconds.
func MS(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// Figure writes three digits or more.
func Figure(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 10:
		return fmt.Sprintf("%.3g", v)
	case v < 1000:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}
