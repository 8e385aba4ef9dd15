package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// race is members that ask for an office.
type race struct {
	r      *run
	cancel context.CancelFunc
	wins   chan win
	failed chan error
	asked  sync.WaitGroup // those that ask
}

// win is an office that was got.
type win struct {
	term
	at time.Duration // monotonic, when acquire returned
}

// race has members ask for offices, all of them, as soon as start is closed: a member asks
// for so many at a time.
func (f *fleet) race(members []*member, offices []string, atOnce int, start <-chan struct{}) *race {
	n := len(members) * len(offices)
	ctx, cancel := context.WithCancel(f.r.ctx)
	c := &race{r: f.r, cancel: cancel, wins: make(chan win, n), failed: make(chan error, n)}
	var ready sync.WaitGroup
	for _, m := range members {
		todo := make(chan string, len(offices))
		for _, office := range offices {
			todo <- office
		}
		close(todo)
		for range min(atOnce, len(offices)) {
			ready.Add(1)
			c.asked.Go(func() {
				ready.Done()
				<-start
				for office := range todo {
					c.ask(ctx, m, office)
				}
			})
		}
	}
	ready.Wait()
	return c
}

// raceForAll has a member ask for many offices: by one call if there is one, whose win is of
// all, else for so many at a time. It returns how many wins there will be.
func (f *fleet) raceForAll(m *member, offices []string, atOnce int, start <-chan struct{}) (*race, int) {
	all, ok := m.participant.(collector)
	if !ok {
		return f.race([]*member{m}, offices, atOnce, start), len(offices)
	}
	ctx, cancel := context.WithTimeout(f.r.ctx, patience)
	c := &race{r: f.r, cancel: cancel, wins: make(chan win, 1), failed: make(chan error, 1)}
	c.asked.Go(func() {
		<-start
		t, err := all.acquireAll(ctx, offices)
		c.told(t, err)
	})
	return c, 1
}

// ask has one member ask for one office.
func (c *race) ask(ctx context.Context, m *member, office string) {
	t, err := m.acquire(ctx, office)
	c.told(t, err)
}

// told notes what a member was answered, and when.
func (c *race) told(t term, err error) {
	at := c.r.clock.Now().Mono
	if err != nil {
		c.failed <- err
		return
	}
	c.wins <- win{t, at}
}

// now is a start that has been given.
var now = func() <-chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return ch
}()

// next returns the next win.
func (c *race) next() (win, error) {
	late := time.NewTimer(patience)
	defer late.Stop()
	var failed error
	for left := cap(c.failed); ; {
		select {
		case w := <-c.wins:
			return w, nil
		case err := <-c.failed:
			failed = errors.Join(failed, err)
			if left--; left == 0 {
				return win{}, failed
			}
		case <-late.C:
			return win{}, errors.Join(fmt.Errorf("nobody got it in %v", patience), failed)
		case <-c.r.ctx.Done():
			return win{}, context.Cause(c.r.ctx)
		}
	}
}

// first returns how long after an instant the first win came, and ends the race.
func (c *race) first(at time.Duration) (time.Duration, error) {
	w, err := c.next()
	if err != nil {
		c.end()
		return 0, err
	}
	c.end(w)
	return w.at - at, nil
}

// all returns the next n wins; with an error, fewer.
func (c *race) all(n int) ([]win, error) {
	var wins []win
	for range n {
		w, err := c.next()
		if err != nil {
			return wins, err
		}
		wins = append(wins, w)
	}
	return wins, nil
}

// end calls off who still waits, and releases the offices of these wins and those that
// nobody has taken from next. It is called once.
func (c *race) end(wins ...win) {
	c.cancel()
	c.asked.Wait()
	close(c.wins)
	for w := range c.wins {
		wins = append(wins, w)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for _, w := range wins {
		all.Go(func() { _ = w.release(ctx) })
	}
	all.Wait()
}
