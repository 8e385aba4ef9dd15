package redisbridge

// Keys names the fleet's keys and channels for one prefix; docs/protocol.md says
// what each holds. The zero prefix is not valid; "ipc" is the original's.
type Keys string

// DefaultPrefix is the prefix of the original.
const DefaultPrefix = "ipc"

// List is the set of server ids.
func (p Keys) List() string { return string(p) + "::server:list" }

// Details is the hash of server details.
func (p Keys) Details() string { return string(p) + "::server:details" }

// Candidates is the set of an election's candidates.
func (p Keys) Candidates(election string) string {
	return string(p) + "::election:" + election + ":candidates"
}

// Participated is the set of elections in which a server is a candidate.
func (p Keys) Participated(id string) string { return string(p) + "::election:" + id + ":participated" }

// Winner is the original's one winner key.
func (p Keys) Winner() string { return string(p) + "::election:winner" }

// Session is a node's session.
func (p Keys) Session(id string) string { return string(p) + "::session:" + id }

// Leader is an election's leader record.
func (p Keys) Leader(election string) string { return string(p) + "::election:" + election + ":leader" }

// Ranks is the sorted set of our candidates of an election.
func (p Keys) Ranks(election string) string { return string(p) + "::election:" + election + ":ranks" }

// Epoch is the epoch of the dataset, and the key that every script names.
func (p Keys) Epoch() string { return string(p) + "::epoch" }

// Sessions is the sorted set of session ends.
func (p Keys) Sessions() string { return string(p) + "::sessions" }

// Members is the log of membership changes.
func (p Keys) Members() string { return string(p) + "::members" }

// Vacant is the set of elections that were released and not claimed since.
func (p Keys) Vacant() string { return string(p) + "::vacant" }

// Deserted is the set of elections for which none of ours stands, and whose record had to stay.
func (p Keys) Deserted() string { return string(p) + "::deserted" }

// Doubt is the mark of a holder that was seen without a subscriber.
func (p Keys) Doubt(id string) string { return string(p) + "::doubt:" + id }

// Evicted tells of a session that was ended before its time, by its birth.
func (p Keys) Evicted(birth string) string { return string(p) + "::evicted:" + birth }

// Bully is a node's control channel.
func (p Keys) Bully(id string) string { return string(p) + "::bully:" + id }

// Comm is a node's channel for application messages.
func (p Keys) Comm(id string) string { return string(p) + "::comm:" + id }

// Public is the broadcast channel.
func (p Keys) Public() string { return string(p) + "::public" }
