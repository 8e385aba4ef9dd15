package sim

import "hustings/redisbridge"

// keyring keeps the texts of the keys of one prefix. Scripts name a dozen keys a
// run, and putting them together anew each time was a third of the cost of a world.
type keyring struct {
	p                                               redisbridge.Keys
	list, details, epoch, sessions, members, vacant string
	deserted                                        string
	session, bully, leader, ranks                   memo[string]
	candidates, participated, doubt, evicted        memo[string]
}

// keyringMax bounds each of the keyring's maps; a full one begins anew.
const keyringMax = 1 << 14

func newKeyring(p redisbridge.Keys) *keyring {
	return &keyring{
		p: p, list: p.List(), details: p.Details(), epoch: p.Epoch(),
		sessions: p.Sessions(), members: p.Members(), vacant: p.Vacant(), deserted: p.Deserted(),
	}
}

// keyText returns m's text for a name, made by f when it is new.
func keyText(m *memo[string], name string, f func(string) string) string {
	if s, ok := m.get(name); ok {
		return s
	}
	if len(m.all) >= keyringMax {
		m.reset(nil)
	}
	s := f(name)
	m.set(name, s)
	return s
}

func (k *keyring) List() string                { return k.list }
func (k *keyring) Details() string             { return k.details }
func (k *keyring) Epoch() string               { return k.epoch }
func (k *keyring) Sessions() string            { return k.sessions }
func (k *keyring) Members() string             { return k.members }
func (k *keyring) Vacant() string              { return k.vacant }
func (k *keyring) Deserted() string            { return k.deserted }
func (k *keyring) Session(id string) string    { return keyText(&k.session, id, k.p.Session) }
func (k *keyring) Bully(id string) string      { return keyText(&k.bully, id, k.p.Bully) }
func (k *keyring) Leader(e string) string      { return keyText(&k.leader, e, k.p.Leader) }
func (k *keyring) Ranks(e string) string       { return keyText(&k.ranks, e, k.p.Ranks) }
func (k *keyring) Doubt(id string) string      { return keyText(&k.doubt, id, k.p.Doubt) }
func (k *keyring) Evicted(birth string) string { return keyText(&k.evicted, birth, k.p.Evicted) }
func (k *keyring) Candidates(e string) string  { return keyText(&k.candidates, e, k.p.Candidates) }
func (k *keyring) Participated(id string) string {
	return keyText(&k.participated, id, k.p.Participated)
}

// keysOf returns the keyring of a prefix: the last one used, as fleets share a Redis rarely.
func (s *store) keysOf(prefix string) *keyring {
	if s.ring == nil || string(s.ring.p) != prefix {
		s.ring = newKeyring(redisbridge.Keys(prefix))
	}
	return s.ring
}
