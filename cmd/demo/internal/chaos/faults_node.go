package chaos

import (
	"fmt"
	"time"

	"hustings/redisbridge/redistest"
)

// begun notes that a fault begins now and returns what notes its end.
func (r *run) begun(kind Kind, target, note string) (over func()) {
	f := r.book.fault(Fault{Kind: kind, Target: target, Began: r.o.Now(), Note: note})
	return func() { r.book.over(f, r.o.Now()) }
}

func (r *run) killNode(p *plan, n *node) {
	over := r.begun(Kill, n.id, "")
	n.kill()
	r.wait(p.hold)
	r.complain(n.start())
	over()
}

func (r *run) stopNode(p *plan, n *node) {
	over := r.begun(Stop, n.id, p.hold.Round(time.Millisecond).String())
	l := n.freeze()
	r.wait(p.hold)
	n.thaw(l)
	over()
}

func (r *run) termNode(p *plan, n *node) {
	over := r.begun(Terminate, n.id, "")
	n.term()
	r.wait(p.hold)
	r.complain(n.start())
	over()
}

func (r *run) resignNode(p *plan, n *node) {
	over := r.begun(Resign, n.id, p.election)
	n.say("resign " + p.election)
	over()
}

func (r *run) withdrawNode(p *plan, n *node) {
	over := r.begun(Withdraw, n.id, p.election)
	n.say("quit " + p.election)
	r.wait(p.hold)
	n.say("run " + p.election)
	over()
}

// hold lets nothing through in some directions for a while; later it arrives.
func hold(kind Kind, directions ...redistest.Direction) func(*run, *plan, *node) {
	return func(r *run, p *plan, n *node) {
		over := r.begun(kind, n.id, p.hold.Round(time.Millisecond).String())
		for _, d := range directions {
			n.proxy.Hold(d)
		}
		r.wait(p.hold)
		for _, d := range directions {
			n.proxy.Release(d)
		}
		over()
	}
}

func (r *run) resetNode(_ *plan, n *node) {
	over := r.begun(Reset, n.id, "")
	n.proxy.Reset()
	over()
}

func (r *run) loseNode(p *plan, n *node) {
	d, note := redistest.ToServer, "requests"
	if p.coin%4 != 0 { // the more interesting half: they have taken effect
		d, note = redistest.ToClient, "replies"
	}
	over := r.begun(Lose, n.id, note)
	n.proxy.Lose(d)
	over()
}

func (r *run) delayNode(p *plan, n *node) {
	d := r.o.TTL * time.Duration(1+p.coin) * 4 / 1000
	over := r.begun(Delay, n.id, fmt.Sprintf("%v for %v", d, p.hold.Round(time.Millisecond)))
	if p.coin%3 != 0 {
		n.proxy.Delay(redistest.ToServer, d)
	}
	if p.coin%3 != 1 {
		n.proxy.Delay(redistest.ToClient, d)
	}
	r.wait(p.hold)
	n.proxy.Delay(redistest.ToServer, 0)
	n.proxy.Delay(redistest.ToClient, 0)
	over()
}

func (r *run) refuseNode(p *plan, n *node) {
	over := r.begun(Refuse, n.id, p.hold.Round(time.Millisecond).String())
	n.proxy.Refuse()
	n.proxy.Reset()
	r.wait(p.hold)
	// Somebody may have taken the port meanwhile, for an outgoing connection.
	r.complain(r.persist(n.proxy.Accept))
	over()
}

// joinNode: a node that outranks all others in an election comes and goes.
func (r *run) joinNode(p *plan) {
	n, err := r.guest(p.election)
	if err != nil {
		r.complain(err)
		return
	}
	over := r.begun(Join, n.id, "for "+p.election)
	r.complain(n.start())
	r.wait(p.hold)
	if p.coin < 67 {
		n.term()
	} else {
		n.kill()
	}
	over()
}
