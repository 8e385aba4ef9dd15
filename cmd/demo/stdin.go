package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"hustings/actors"
	"hustings/redisbridge"
)

// maxCommand bounds a command line. A longer one is answered with an error.
const maxCommand = redisbridge.MaxPayload + 1024

var errTooLong = fmt.Errorf("the line is longer than %d bytes: send a reference instead", maxCommand)

// input is a line of stdin.
type input struct {
	text string
	err  error
}

// readCommands reads stdin. It ends with the input; on a terminal nobody can end it sooner.
func (r *nodeRun) readCommands(in io.Reader) {
	reader := bufio.NewReaderSize(in, 1<<16)
	for {
		text, err := readLine(reader)
		if err != nil && !errors.Is(err, errTooLong) {
			break
		}
		select {
		case r.lanes.inputs <- input{text, err}:
		case <-r.ctx.Done():
			return
		}
	}
	close(r.lanes.inputs)
	// Whoever closed our input waits for our end: a start that Redis keeps waiting,
	// or a command, must not keep us for ever.
	if pause(r.ctx, r.o.ttl+inputPatience) {
		r.stop(errTold)
	}
}

// readLine reads a line of bounded length; of a longer one nothing is kept.
func readLine(in *bufio.Reader) (string, error) {
	var line []byte
	long := false
	for {
		part, more, err := in.ReadLine()
		if err != nil {
			return "", err
		}
		long = long || len(line)+len(part) > maxCommand
		if !long {
			line = append(line, part...)
		}
		if more {
			continue
		}
		if long {
			return "", errTooLong
		}
		return string(line), nil
	}
}

// serveCommands obeys until the input ends, or the node is told to stop.
func (r *nodeRun) serveCommands() {
	for {
		select {
		case in, ok := <-r.lanes.inputs:
			if !ok {
				r.exit()
				return
			}
			r.obey(in)
		case <-r.ctx.Done():
			return
		}
	}
}

// exit stops the node when what was asked before is done, or takes too long.
func (r *nodeRun) exit() {
	idle := make(chan struct{})
	r.lanes.do(r.ctx, "", func() { close(idle) })
	ctx, cancel := context.WithTimeout(r.ctx, inputPatience)
	defer cancel()
	select {
	case <-idle:
	case <-ctx.Done():
	}
	r.stop(errTold)
}

// obey takes one line.
func (r *nodeRun) obey(in input) {
	if in.err != nil {
		r.reply("", in.err)
		return
	}
	text := strings.TrimSpace(in.text)
	if text == "" {
		return
	}
	name, rest := cutWord(text)
	c, ok := commandTable[name]
	if !ok {
		r.reply(name, fmt.Errorf("there is no command %q: use run, quit, resign, standdown, stand, leader, status, inspect, explain, members, send, broadcast, offline, online or exit", name))
		return
	}
	if err := c(r, name, rest); err != nil {
		r.reply(name, err)
	}
}

// cutWord splits off the first word.
func cutWord(s string) (word, rest string) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimSpace(s[i:])
}

// reply answers a command.
func (r *nodeRun) reply(cmd string, err error, pairs ...any) {
	l := newLine("reply", clock.Now(), "cmd", cmd, "ok", err == nil)
	if err != nil {
		l.with("error", err.Error())
	}
	r.printer.print(l.with(pairs...))
}

// electionArg reads the election that a command names, if it does.
func (r *nodeRun) electionArg(rest string, most int) (election string, words []string, err error) {
	words = strings.Fields(rest)
	switch {
	case len(words) > most:
		return "", nil, fmt.Errorf("%q is too much: give at most %d words", rest, most)
	case len(words) > 0:
		return words[0], words[1:], nil
	case len(r.o.elections) > 0:
		return r.o.elections[0], nil, nil
	}
	return actors.DefaultElection, nil, nil
}

// soon bounds a question to the node's own actors, which answer at once.
const soon = 5 * time.Second

// jsonArg checks a message.
func jsonArg(text string) (json.RawMessage, error) {
	switch {
	case text == "":
		return nil, errors.New("the message is missing: give one JSON value")
	case !json.Valid([]byte(text)):
		return nil, errors.New("the message is not JSON: give one value, with texts in double quotes")
	}
	return json.RawMessage(text), nil
}
