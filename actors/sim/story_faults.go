package sim

func (s *Story) doPartition(a *words) {
	s.on(a, 0, func(n *told) {
		switch {
		case a.has("to-redis"):
			s.w.PartitionOneway(n.Process, ToRedis)
		case a.has("from-redis"):
			s.w.PartitionOneway(n.Process, FromRedis)
		default:
			s.w.Partition(n.Process)
		}
	})
}

func (s *Story) doHold(a *words) {
	s.on(a, 0, func(n *told) {
		switch {
		case a.has("to-redis"):
			s.w.HoldOneway(n.Process, ToRedis)
		case a.has("from-redis"):
			s.w.HoldOneway(n.Process, FromRedis)
		default:
			s.w.Hold(n.Process)
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
