package redistest

import (
	"strconv"

	"hustings/redisbridge"
)

// look is an item of a canvass.
type look struct {
	token, holder, holderBirth string
	remaining                  int64
	holderRank, appointed      string
	place                      int64
	evict                      string
	higher                     []rival
	others                     []other
	heir                       string
	heirLeft                   int64
}

type rival struct {
	id, rank, birth string
}

type other struct {
	id, details string
	numsub      int64
}

// survey is the reply of a canvass.
type survey struct {
	status, birth, epoch string
	number, left         int64
	items                []look
}

func (n *node) canvass(flags string, elections ...string) survey {
	n.f.T.Helper()
	args := n.head(n.details, millis(n.quarantine), strconv.Itoa(len(elections)))
	for _, e := range elections {
		args = append(args, e, n.rank, flags)
	}
	r := n.f.reply(redisbridge.CanvassScript, args...)
	s := survey{r.text(), r.text(), r.text(), r.number(), r.number(), readLooks(r)}
	r.end()
	return s
}

// readLooks reads the items of a canvass or a bid.
func readLooks(r *reply) (looks []look) {
	for items := r.list(); !items.done(); {
		i := items.list()
		if len(i.items) == 2 { // the rest would be empty
			looks = append(looks, look{token: i.text(), place: i.number(), remaining: -2})
			continue
		}
		l := look{
			token: i.text(), holder: i.text(), holderBirth: i.text(), remaining: i.number(),
			holderRank: i.text(), appointed: i.text(), place: i.number(),
		}
		for h := i.list(); !h.done(); {
			l.higher = append(l.higher, rival{h.text(), h.text(), h.text()})
		}
		for o := i.list(); !o.done(); {
			l.others = append(l.others, other{o.text(), o.text(), o.number()})
		}
		l.heir, l.heirLeft = i.text(), i.number()
		l.evict = i.text()
		i.end()
		looks = append(looks, l)
	}
	return looks
}

// bid is what a claim carries.
type bid struct {
	beat
	birth, epoch string
	flags        string
	seen         string // the highest token seen in the election
}

// award is an item of a claim's reply.
type award struct {
	verdict, token, holder string
	remaining              int64
	birth, rank, appointed string
	evict                  string
	left                   int64
	heir                   string
	key                    string // that leaves no token
}

// grants is the reply of a claim.
type grants struct {
	status, birth, epoch string
	number               int64
	floor                string
	left                 int64
	items                []award
}

func (n *node) claim(b bid, elections ...string) grants {
	n.f.T.Helper()
	args := append(n.claims(b), strconv.Itoa(len(elections)))
	for _, e := range elections {
		args = append(args, e, or(b.seen, "0"), b.flags)
	}
	r := n.f.reply(redisbridge.ClaimScript, args...)
	g := readGrants(r)
	g.items = readAwards(r)
	r.end()
	return g
}

// bid looks, and claims what nobody disputes.
func (n *node) bid(b bid, elections ...string) (grants, []look) {
	n.f.T.Helper()
	args := append(n.claims(b), n.details, strconv.Itoa(len(elections)))
	for _, e := range elections {
		args = append(args, e, n.rank, b.flags)
	}
	r := n.f.reply(redisbridge.BidScript, args...)
	g, looks := readGrants(r), readLooks(r)
	g.items = readAwards(r)
	r.end()
	return g, looks
}

// claims is what scripts that claim begin with.
func (n *node) claims(b bid) []string {
	return n.head(or(b.info, "0"), or(b.newName, "first"), or(b.number, "0"), b.name, or(b.token, "0"),
		millis(n.quarantine), b.birth, or(b.epoch, "first"))
}

func readGrants(r *reply) grants {
	return grants{status: r.text(), birth: r.text(), epoch: r.text(), number: r.number(), floor: r.text(), left: r.number()}
}

// readAwards reads what a claim or a bid says of each claim.
func readAwards(r *reply) (awards []award) {
	for items := r.list(); !items.done(); {
		i := items.list()
		a := award{}
		if !i.done() {
			a.verdict = i.text()
		}
		switch a.verdict {
		case "granted":
			a.token, a.appointed = i.text(), i.text()
		case "held":
			a.holder, a.token, a.remaining = i.text(), i.text(), i.number()
			a.birth, a.rank, a.appointed, a.evict = i.text(), i.text(), i.text(), i.text()
		case "quarantine":
			a.left = i.number()
		case "spent":
			a.key = i.text()
		case "kept":
			a.left, a.heir = i.number(), i.text()
		}
		i.end()
		awards = append(awards, a)
	}
	return awards
}

// win claims one election in the present tenancy, which must be granted, and
// returns the token.
func (n *node) win(election string) string {
	n.f.T.Helper()
	p := n.beat(beat{})
	g := n.claim(bid{birth: p.birth, epoch: p.epoch}, election)
	if len(g.items) != 1 || g.items[0].verdict != "granted" {
		n.f.T.Fatalf("%s claims %s: %+v, want granted", n.id, election, g)
	}
	return g.items[0].token
}
