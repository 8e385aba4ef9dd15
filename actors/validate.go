package actors

import (
	"errors"
	"fmt"
	"time"

	"hustings/fsm"
	"hustings/redisbridge"
)

// Validate reports every fault of the configuration at once, each with what to do. It
// changes nothing and connects to nothing. The error wraps ErrConfig.
func (c Config) Validate() error {
	c = c.withDefaults()
	var f faults
	f.check(redisbridge.CheckName(c.ID), "ID %q", c.ID)
	f.check(redisbridge.CheckName(c.Redis.Prefix), "Redis.Prefix %q", c.Redis.Prefix)
	if c.Redis.Options == nil && c.Redis.Backend == nil {
		f.add("Redis.Options is missing: give the addresses of Redis (redisbridge.ParseURL reads a URL)")
	}
	if o := c.Redis.Options; o != nil && c.Redis.Backend == nil {
		f.check(redisbridge.BackendConfig{Redis: *o, Keys: redisbridge.Keys(c.Redis.Prefix)}.Validate(), "Redis.Options:")
	}
	if *c.Rank < 0 || *c.Rank >= fsm.MaxRank {
		f.add("Rank %d is out of range: use 0 <= rank < 2^52", *c.Rank)
	}
	if c.TTL < fsm.MinTTL {
		f.add("TTL %v is too short: use at least %v", c.TTL, fsm.MinTTL)
	}
	if c.TTL > maxDuration {
		f.add("TTL %v is too long: use at most %v", c.TTL, maxDuration)
	}
	if c.TTL%time.Millisecond != 0 || c.MaxTTL%time.Millisecond != 0 {
		f.add("TTL %v or MaxTTL %v is not a whole number of milliseconds: round it, Redis counts in those", c.TTL, c.MaxTTL)
	}
	if c.MaxTTL < c.TTL {
		f.add("MaxTTL %v is shorter than TTL %v: MaxTTL is the longest TTL of any node in the fleet", c.MaxTTL, c.TTL)
	}
	if c.MaxTTL > maxDuration {
		f.add("MaxTTL %v is too long: use at most %v", c.MaxTTL, maxDuration)
	}
	if c.VoteTimeout < minVoteTimeout {
		f.add("VoteTimeout %v is too short: use at least %v", c.VoteTimeout, minVoteTimeout)
	}
	if c.Interval <= c.VoteTimeout {
		f.add("Interval %v must be longer than VoteTimeout %v: a round would start before the last one ends", c.Interval, c.VoteTimeout)
	}
	f.bounded("VoteTimeout", c.VoteTimeout)
	f.bounded("Interval", c.Interval)
	if c.MinReplicas < 0 || c.MinReplicas > maxReplicas {
		f.add("MinReplicas %d is out of range: use 0 to %d", c.MinReplicas, maxReplicas)
	}
	f.list = append(f.list, c.keyFaults()...)
	if c.Packer > redisbridge.MessagePack {
		f.add("Packer %d is unknown: use redisbridge.JSON or redisbridge.MessagePack", c.Packer)
	}
	f.list = append(f.list, c.Elections.faults("Elections.", false)...)
	f.list = append(f.list, c.fits(c.Elections, "Elections.")...)
	return f.err()
}

// keys are the shared keys, the one that signs first; nil if messages are not signed.
func (c *Config) keys() [][]byte {
	if len(c.SharedKey) == 0 {
		return nil
	}
	return append([][]byte{c.SharedKey}, c.SharedKeys...)
}

func (c *Config) keyFaults() []error {
	var f faults
	if len(c.SharedKey) == 0 && len(c.SharedKeys) > 0 {
		f.add("SharedKeys without a SharedKey: nothing would be signed; set SharedKey")
	}
	if len(c.SharedKey) > 0 && *c.Mixed {
		f.add("SharedKey needs Mixed: false: nodes of npm ipc@0.0.1 cannot sign, and whoever cannot sign could pose as one")
	}
	if len(c.SharedKeys) > maxKeys {
		f.add("SharedKeys has %d keys: use at most %d", len(c.SharedKeys), maxKeys)
	}
	for i, key := range c.keys() {
		if len(key) < redisbridge.MinSharedKey {
			f.add("shared key %d has %d bytes: use at least %d, better 32 random ones", i+1, len(key), redisbridge.MinSharedKey)
		}
	}
	return f.list
}

// Validate reports every fault of an election's configuration. The error wraps
// ErrConfig.
func (c ElectionConfig) Validate() error {
	f := faults{list: c.withDefaults().faults("", true)}
	return f.err()
}

func (c ElectionConfig) faults(at string, named bool) []error {
	var f faults
	if named {
		f.check(redisbridge.CheckName(c.Name), "election name %q", c.Name)
	}
	if c.MinTenure < 0 {
		f.add("%sMinTenure %v is negative: use 0 or more", at, c.MinTenure)
	}
	if c.DrainTimeout < 0 {
		f.add("%sDrainTimeout %v is negative: use 0 for the default of %v", at, c.DrainTimeout, DefaultDrainTimeout)
	}
	f.bounded(at+"MinTenure", c.MinTenure)
	f.bounded(at+"DrainTimeout", c.DrainTimeout)
	f.bounded(at+"EvictGrace", c.EvictGrace)
	switch {
	case c.Takeover > OnDisconnect:
		f.add("%sTakeover %v is unknown: use OnExpiry or OnDisconnect", at, c.Takeover)
	case c.Takeover == OnExpiry && c.EvictGrace != 0:
		f.add("%sEvictGrace %v is for Takeover OnDisconnect: set that, or leave it 0", at, c.EvictGrace)
	case c.Takeover == OnDisconnect && c.EvictGrace < minEvictGrace:
		f.add("%sEvictGrace %v is too short: use at least %v, a leader's subscription is looked at that often", at, c.EvictGrace, minEvictGrace)
	case c.EvictGrace%time.Millisecond != 0:
		f.add("%sEvictGrace %v is not a whole number of milliseconds: round it", at, c.EvictGrace)
	}
	return f.list
}

// fits reports what keeps an election's settings from working in this node.
func (c *Config) fits(e ElectionConfig, at string) []error {
	var f faults
	if e.Takeover != OnDisconnect {
		return nil
	}
	if redisbridge.IsCluster(c.Redis.Options) {
		f.add("%sTakeover OnDisconnect does not work on Redis Cluster, where each server counts its own subscribers only: use OnExpiry, or a standalone server or Sentinel", at)
	}
	if e.EvictGrace > c.TTL {
		f.add("%sEvictGrace %v is longer than TTL %v, when a dead leader is replaced anyhow: make it shorter, or use OnExpiry", at, e.EvictGrace, c.TTL)
	}
	return f.list
}

const (
	minVoteTimeout = 10 * time.Millisecond
	minEvictGrace  = 50 * time.Millisecond
	maxDuration    = time.Hour
	maxReplicas    = 1000

	// maxWait is ten years: sums of a few of them and of an instant do not overflow.
	maxWait = 10 * 365 * 24 * time.Hour
	maxKeys = 7
)

// faults collects what is wrong.
type faults struct{ list []error }

func (f *faults) add(format string, args ...any) {
	f.list = append(f.list, fmt.Errorf(format, args...))
}

func (f *faults) check(err error, format string, args ...any) {
	if err != nil {
		f.list = append(f.list, fmt.Errorf(format+" %w", append(args, err)...))
	}
}

// bounded refuses a time that is too long to reckon with.
func (f *faults) bounded(name string, d time.Duration) {
	if d > maxWait {
		f.add("%s %v is too long: use at most %v, ten years", name, d, maxWait)
	}
}

func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrConfig, errors.Join(f.list...))
}
