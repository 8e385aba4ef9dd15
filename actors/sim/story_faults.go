package sim

func (s *Story) doPartition(a *words) { s.link(a, s.w.Partition, s.w.PartitionOneway) }

func (s *Story) doHold(a *words) { s.link(a, s.w.Hold, s.w.HoldOneway) }

// link does something to a node's link with Redis, or to the one direction that is named.
func (s *Story) link(a *words, both func(...*Process), one func(*Process, Direction)) {
	s.on(a, 0, func(n *told) {
		switch {
		case a.has("to-redis"):
			one(n.Process, ToRedis)
		case a.has("from-redis"):
			one(n.Process, FromRedis)
		default:
			both(n.Process)
		}
	})
}

// doDeafen makes a node's subscription go silent without anybody being told.
func (s *Story) doDeafen(a *words) {
	s.on(a, 0, func(n *told) {
		for _, c := range s.w.redis.open {
			if _, ok := c.server.(*subscriber); ok && c.link.proc == n.Process {
				c.silent = true
			}
		}
	})
}

// doWeather loses all published messages, or none.
func (s *Story) doWeather(a *words) {
	var weather Weather
	if a.at(0) == "no-messages" {
		weather.LosePubSub = 1
	}
	s.w.SetWeather(weather)
}
