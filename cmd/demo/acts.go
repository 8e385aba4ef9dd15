package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"

	"hustings/actors"
	"hustings/fsm"
)

// acts are the demonstration, in order.
var acts = []struct {
	title string
	play  func(*stage, context.Context) error
}{
	{"nodes join and stand: the highest rank leads", (*stage).gather},
	{"a higher-ranked node joins and takes over", (*stage).overtake},
	{"the leader is killed: its session runs out, the next in rank follows", (*stage).kill},
	{"the leader resigns: handover", (*stage).resign},
	{"messages: to one node, and to all", (*stage).talk},
	{"the leader quits the election, then everybody leaves", (*stage).quit},
}

// gather: all nodes but the highest-ranked start, and stand at the same moment.
func (s *stage) gather(ctx context.Context) error {
	s.deal()
	cast, err := s.enterAll(ctx, s.ranks[:len(s.ranks)-1])
	s.cast = cast
	if err != nil {
		return err
	}
	pause(ctx, s.scaled(scenePause))
	mark, start := s.book.mark(), clock.Now()
	for _, p := range s.cast {
		if err := p.node.Run(ctx, election); err != nil {
			return err
		}
	}
	first, err := s.book.await(ctx, mark, wonBy(""))
	if err != nil {
		return fmt.Errorf("nobody was elected: %w", err)
	}
	s.measure("first leader", first, start, "all nodes told to run")
	top := s.cast[0]
	for _, p := range s.cast {
		if p.rank > top.rank {
			top = p
		}
	}
	settled, err := s.book.await(ctx, mark, wonBy(top.id))
	if err != nil {
		return fmt.Errorf("%s, which ranks highest, was not elected: %w", top.id, err)
	}
	s.measure("highest rank in office", settled, start, "all nodes told to run")
	return nil
}

// deal draws the ranks; the last one, which joins later, is the highest.
func (s *stage) deal() {
	seen := map[int64]bool{}
	for len(s.ranks) < s.o.nodes {
		if r := 100 + s.rng.Int64N(900); !seen[r] {
			seen[r] = true
			s.ranks = append(s.ranks, r)
		}
	}
	top := 0
	for i, r := range s.ranks {
		if r > s.ranks[top] {
			top = i
		}
	}
	last := len(s.ranks) - 1
	s.ranks[top], s.ranks[last] = s.ranks[last], s.ranks[top]
}

// name of the i-th node.
func (s *stage) name(i int) string {
	return fmt.Sprintf("web-%0*d", len(fmt.Sprint(s.o.nodes)), i+1)
}

func (s *stage) enterAll(ctx context.Context, ranks []int64) ([]*player, error) {
	cast, errs := make([]*player, len(ranks)), make([]error, len(ranks))
	var starting sync.WaitGroup
	for i, rank := range ranks {
		starting.Go(func() { cast[i], errs[i] = s.enter(ctx, s.name(i), rank) })
	}
	starting.Wait()
	entered := cast[:0]
	for _, p := range cast {
		if p != nil {
			entered = append(entered, p)
		}
	}
	return entered, errors.Join(errs...)
}

// measure notes how long after an instant somebody won.
func (s *stage) measure(what string, e entry, since fsm.Instant, note string) {
	s.figures = append(s.figures, figure{what: what, note: note, took: e.ev.(*actors.Won).At.Sub(since)})
}

// overtake: the highest-ranked node joins.
func (s *stage) overtake(ctx context.Context) error {
	p, err := s.enter(ctx, s.name(len(s.ranks)-1), s.ranks[len(s.ranks)-1])
	if err != nil {
		return err
	}
	s.cast = append(s.cast, p)
	pause(ctx, s.scaled(scenePause))
	mark, start := s.book.mark(), clock.Now()
	if err := p.node.Run(ctx, election); err != nil {
		return err
	}
	won, err := s.book.await(ctx, mark, wonBy(p.id))
	if err != nil {
		return fmt.Errorf("%s, which ranks highest, was not elected: %w", p.id, err)
	}
	s.measure("takeover", won, start, "the higher rank told to run")
	return nil
}

// leader waits until somebody leads and everybody knows who.
func (s *stage) leader(ctx context.Context) (*player, error) {
	for {
		var of *player
		agreed := true
		for _, p := range s.present() {
			l, err := p.node.Leader(election)
			if agreed = err == nil && (of == nil || of.id == l.ID); !agreed {
				break
			}
			for _, q := range s.present() {
				if q.id == l.ID {
					of = q
				}
			}
		}
		if agreed && of != nil {
			return of, nil
		}
		if !pause(ctx, scriptTTL/100) {
			return nil, fmt.Errorf("the nodes do not agree on a leader: %w", context.Cause(ctx))
		}
	}
}

// kill: the leader's actor is stopped the hard way. Nothing is given back; Redis keeps
// its session until that ends by itself.
func (s *stage) kill(ctx context.Context) error {
	p, err := s.leader(ctx)
	if err != nil {
		return err
	}
	l, err := p.node.Leader(election)
	if err != nil {
		return err
	}
	mark, start := s.book.mark(), clock.Now()
	s.out.note(start, p.id, killText, "is killed: a crash, its session is left to run out")
	s.system.Root.Stop(p.node.PID())
	p.gone = true
	<-p.node.Done()
	s.book.crashed(l.Token, clock.Now())
	won, err := s.book.await(ctx, mark, wonByAnother(p.id))
	if err != nil {
		return fmt.Errorf("nobody followed %s: %w", p.id, err)
	}
	s.measure("failover", won, start, fmt.Sprintf("the leader killed; up to %v is its session", scriptTTL))
	return nil
}

// resign: the leader hands over and stays a candidate.
func (s *stage) resign(ctx context.Context) error {
	for {
		p, err := s.leader(ctx)
		if err != nil {
			return err
		}
		mark, start := s.book.mark(), clock.Now()
		s.out.note(start, p.id, sayText, "is told to resign")
		if err = p.node.Resign(ctx, election); errors.Is(err, actors.ErrNotLeader) {
			continue // it lost the office in the same instant: a slow machine
		}
		if err != nil {
			return err
		}
		won, err := s.book.await(ctx, mark, wonByAnother(p.id))
		if err != nil {
			return fmt.Errorf("nobody followed %s: %w", p.id, err)
		}
		s.measure("handover", won, start, "the leader told to resign")
		return nil
	}
}

// talk: a message to one node, then one to all.
func (s *stage) talk(ctx context.Context) error {
	present := s.present()
	i := s.rng.IntN(len(present))
	from, to := present[i], present[(i+1)%len(present)]
	mark := s.book.mark()
	s.out.note(clock.Now(), from.id, sayText, "sends a message to "+to.id)
	if _, err := from.node.Send(ctx, to.id, map[string]any{"hello": to.id}); err != nil {
		return err
	}
	if err := s.heard(ctx, mark, from, []*player{to}, false); err != nil {
		return err
	}
	pause(ctx, s.scaled(scenePause))
	mark = s.book.mark()
	s.out.note(clock.Now(), to.id, sayText, "broadcasts a message")
	if _, err := to.node.Broadcast(ctx, map[string]any{"hello": "everybody"}); err != nil {
		return err
	}
	return s.heard(ctx, mark, to, present, true)
}

// heard waits until all of them have a message.
func (s *stage) heard(ctx context.Context, mark int, from *player, by []*player, broadcast bool) error {
	for _, p := range by {
		_, err := s.book.await(ctx, mark, func(e entry) bool {
			m, ok := e.ev.(*actors.Message)
			return ok && e.who == p.id && m.From == from.id && m.Broadcast == broadcast
		})
		if err != nil {
			return fmt.Errorf("%s did not hear %s: %w", p.id, from.id, err)
		}
	}
	return nil
}

// quit: the leader leaves the election, then all leave the fleet, the leader last.
func (s *stage) quit(ctx context.Context) error {
	p, err := s.leader(ctx)
	if err != nil {
		return err
	}
	mark := s.book.mark()
	s.out.note(clock.Now(), p.id, sayText, "is told to quit")
	if err := p.node.Quit(ctx, election); err != nil {
		return err
	}
	won, err := s.book.await(ctx, mark, wonByAnother(p.id))
	if err != nil {
		return fmt.Errorf("nobody followed %s: %w", p.id, err)
	}
	pause(ctx, s.scaled(scenePause))
	rest := s.present()
	sort.SliceStable(rest, func(i, j int) bool { return rest[i].id != won.who && rest[j].id == won.who })
	for i, q := range rest {
		mark := s.book.mark()
		s.out.note(clock.Now(), q.id, sayText, "leaves the fleet")
		if err := q.node.Stop(ctx); err != nil {
			return fmt.Errorf("%s did not stop: %w", q.id, err)
		}
		q.gone = true
		if i > 0 {
			continue
		}
		if _, err := s.book.await(ctx, mark, leftBy(q.id)); err != nil {
			return fmt.Errorf("nobody noticed that %s left: %w", q.id, err)
		}
	}
	s.book.wait()
	return nil
}
