//go:build mutation

package sim_test

const (
	electionScripts = "actors/sim/script_election.go"
	fleetScripts    = "actors/sim/script_fleet.go"
	evictScript     = "actors/sim/script_evict.go"
	allScripts      = "actors/sim/script.go"
	sessions        = "fsm/session.go"
	claims          = "fsm/claim.go"
	offices         = "fsm/office.go"
	disconnects     = "fsm/disconnect.go"
	leases          = "fsm/lease.go"
	voting          = "fsm/votes.go"
	batching        = "redisbridge/compose.go"
	beating         = "actors/beat.go"
	hearing         = "actors/hear.go"
)

// Guards that several mutations take out: a case may be answered by two.
var (
	ownRecordAgain = edit{
		electionScripts, "	switch r := c.record(e); {\n",
		"	switch r := c.record(e); {\n	case r.mine(c.arg(2), c.arg(3)):\n		c.hset(c.p.Leader(e), \"birth\", birth)\n" +
			"		c.hset(c.p.Leader(e), \"epoch\", epoch.name)\n		return []any{\"granted\", r.token, \"\"}\n",
	}
	quitWithoutRelease  = edit{electionScripts, "	if r := c.record(e); r.mine(id, inc) {\n		c.vacate(e, r.token, \"\")\n	}\n", "	_ = inc\n"}
	claimWithoutEpoch   = edit{electionScripts, "	epoch := c.epoch(5)\n", "	epoch := c.present(c.num(10))\n"}
	recordOfAnyEpoch    = edit{allScripts, ` || name == "" || r.epoch != name {`, ` || name == "" {`}
	noQuarantine        = edit{electionScripts, "case epoch.left > 0:\n		return", "case epoch.left < 0:\n		return"}
	anyConnection       = edit{allScripts, "	case conn < seen:\n		return \"stale\", birth\n", ""}
	uninvitedStays      = edit{hearing, "e.step(fsm.Input{Kind: fsm.InRecover})", "_ = fsm.InRecover"}
	lapseWithoutRelease = edit{
		offices, "	token := m.dropLease(why)\n	m.do(Effect{Kind: DoRelease, Token: token, Tenancy: over})\n	m.payOwed(o)\n",
		"	_, token := over, m.dropLease(why)\n	m.payOwed(o)\n",
	}
)

// mutations are the guards of the lease rules (docs/guarantees.md), each with the cases
// of docs/safety-cases.md that it answers.
var mutations = []mutation{
	{
		guard: "epoch compare: the replid",
		edits: []edit{{allScripts, `read != "-" && stored != "-" && read != stored || `, ""}},
		found: "TestC1_AFailoverThatRollsBackTheRecordMakesTheLeaderReassert|" +
			"TestC1_AClaimThatComesFirstIntoANewDatasetIsStale|TestC1_ALeaderAloneFindsTheNewDatasetByItsHeartbeat|" +
			"TestC9a_AReleaseThatIsRolledBackNamesNobody|TestNoMessageIsNeededForSafety",
	},
	{
		guard: "epoch compare in heartbeat",
		edits: []edit{{fleetScripts, "	epoch := c.epoch(7)\n", "	epoch := c.present(c.num(12))\n	if epoch.name == \"\" {\n		epoch = c.epoch(7)\n	}\n"}},
		found: "TestC1_ALeaderAloneFindsTheNewDatasetByItsHeartbeat",
	},
	{
		guard: "epoch compare in claim",
		edits: []edit{claimWithoutEpoch},
		found: "TestC1_AClaimThatComesFirstIntoANewDatasetIsStale",
	},
	{
		guard: "epoch compare in the answer to a heartbeat",
		edits: []edit{
			{sessions, "	before := s.current.Load()\n", "	before := s.current.Load()\n	if before != nil && v == VerdictExtended {\n		t = before.tenancy\n	}\n"},
		},
		found: "TestC1_AFailoverThatRollsBackTheRecordMakesTheLeaderReassert|TestC2_ALostCreatedReplyDoesNotHideTheNewSession",
	},
	{
		guard: "epoch number",
		edits: []edit{{allScripts, " || number < known ||\n		known > 0 && number == known && name != knownName {", " {"}, {allScripts, "known, knownName := c.sound(at+2), c.arg(at+3)", "known := c.sound(at + 2)"}},
		found: "TestC7_AReplacedPrimaryThatComesBackIsFoundByTheEpochsNumber",
	},
	{
		guard: "quarantine",
		edits: []edit{noQuarantine},
		found: "TestC3_OnlyTheAnswerToAReassertProlongsTheLeadership|TestC4_AFormerLeadersRecordDoesNotExemptItFromTheQuarantine|" +
			"TestC6_TheQuarantineIsAsLongAsTheLongestTTLWhoeverSeesTheLossFirst|TestC6_AFreshNodeKeepsTheFleetsQuarantine|" +
			"TestC7_AReplacedPrimaryThatComesBackIsFoundByTheEpochsNumber|TestC15_AnEpochKeyLostAloneCostsOneQuarantine",
	},
	{
		guard: "MaxTTL: the caller's own TTL instead",
		edits: []edit{{batching, "return b.maxTTL", "return b.ttl"}},
		found: "TestC6_TheQuarantineIsAsLongAsTheLongestTTLWhoeverSeesTheLossFirst|TestC6_AFreshNodeKeepsTheFleetsQuarantine",
	},
	{
		guard: "quarantine: a step back of Redis's clock",
		edits: []edit{
			{allScripts, "min(since, now)+ms-now", "since+ms-now"},
			{allScripts, "if since > now {", "if false {"},
		},
		found: "TestC14_AClockThatStepsBackDoesNotProlongTheQuarantine",
	},
	{
		guard: "a record counts only if: of the present epoch",
		edits: []edit{recordOfAnyEpoch},
		found: "TestC9a_AReleaseThatIsRolledBackNamesNobody",
	},
	{
		guard: "a record counts only if: birth check",
		edits: []edit{{allScripts, "c.alive(r.id); birth == r.birth {", "c.alive(r.id); birth != \"\" {"}},
		found: "TestC9e_ADeadLeadersRecordDoesNotComeBackWithItsSuccessorOfTheSameID",
	},
	{
		guard: "new token on every grant: one's own record is handed out again",
		edits: []edit{ownRecordAgain},
		found: "TestC4_ALateReleaseOfAnUnknownGrantDoesNotEndTheTermAfterIt|TestC4_AFormerLeadersRecordDoesNotExemptItFromTheQuarantine",
	},
	{
		guard: "new token on every grant, and a lapse releases",
		edits: []edit{ownRecordAgain, lapseWithoutRelease},
		found: "TestC4_TwoTermsOfOneNodeHaveTwoTokens",
	},
	{
		guard: "release by token",
		edits: []edit{{electionScripts, "r.mine(id, inc) && r.token == c.arg(i+1)", "r.mine(id, inc)"}},
		found: "TestC4_ALateReleaseOfAnUnknownGrantDoesNotEndTheTermAfterIt",
	},
	{
		guard: "eviction ends the session",
		edits: []edit{
			{evictScript, "	c.del(c.p.Session(target))\n", ""},
			{allScripts, "c.alive(r.id); birth == r.birth {", "c.alive(r.id); birth == r.birth && c.look(c.p.Evicted(r.birth)) == nil {"},
		},
		found: "TestC8_WhoWasEvictedLearnsItFromItsNextHeartbeat",
	},
	{
		guard: "eviction frees offices under OnDisconnect only",
		edits: []edit{{allScripts, "if r.evict == \"\" || !ok {", "if !ok {"}},
		found: "TestC8_AnEvictionDoesNotTouchOfficesUnderOnExpiry",
	},
	{
		guard: "who loses its subscription steps down",
		edits: []edit{{disconnects, "if m.state != Won || m.rules.EvictGrace == 0 {", "if true {"}},
		found: "TestC8_WhoLosesItsSubscriptionStepsDownAtOnce",
	},
	{
		guard: "token floor",
		edits: []edit{{allScripts, "raised := max(floor, seen)", "raised := seen"}},
		found: "TestC11_TokensRiseAlthoughTheNewPrimarysClockIsBehind",
	},
	{
		guard: "re-assert's conditions: in quarantine, and a higher token",
		edits: []edit{{electionScripts, "case epoch.left > 0 && whole(token) > whole(r.token):", "default:"}},
		found: "TestC10_ALateReassertDoesNotOverwriteANewerLeader",
	},
	{
		guard: "connection numbers",
		edits: []edit{anyConnection},
		found: "TestC12_ALateQuitDoesNotEndTheTermAfterIt",
	},
	{
		guard: "connection numbers, and only candidates may claim",
		edits: []edit{
			anyConnection, uninvitedStays,
			{electionScripts, "		if !c.sismember(c.p.Candidates(e), c.arg(2)) {\n			items", "		if e == \"\" {\n			items"},
		},
		found: "TestC9c_AClaimThatComesAfterTheQuitIsRefused",
	},
	{
		guard: "quit releases whatever carries our incarnation",
		edits: []edit{quitWithoutRelease},
		found: "TestC9b_AQuitReleasesAGrantThatNobodyHeardOf",
	},
	{
		guard: "birth check by incarnation only, and lapse and quit release",
		edits: []edit{
			{allScripts, "c.alive(r.id); birth == r.birth {", "c.alive(r.id); birth != \"\" && strings.HasPrefix(birth, r.birth[:strings.IndexByte(r.birth, '-')+1]) {"},
			quitWithoutRelease, lapseWithoutRelease,
		},
		found: "TestC9e_ALapsedRecordDoesNotComeBackWithTheSession",
	},
	{
		guard: "the epoch that a claim was composed in, and quarantine, and connection numbers",
		edits: []edit{
			{electionScripts, " || epoch.name != c.arg(12) {", " {"},
			{electionScripts, " && epoch.name == c.arg(12)\n", "\n"},
			noQuarantine, anyConnection, uninvitedStays,
		},
		found: "TestC9d_AClaimThatComesAfterTheQuitWasRolledBackIsStale",
	},
	{
		guard: "leaders re-assert",
		edits: []edit{{offices, "	case Won:\n		m.reassert(now)\n	case Lost:", "	case Lost:"}},
		found: "TestC1_AFailoverThatRollsBackTheRecordMakesTheLeaderReassert|TestC2_ALostCreatedReplyDoesNotHideTheNewSession|" +
			"TestC15_AnEpochKeyLostAloneCostsOneQuarantine",
	},
	{
		guard: "a lapse is final, and what has lapsed is dropped",
		edits: []edit{{sessions, "	lapsed := s.expire(now)\n", "	lapsed := false\n"}, {leases, "	if !t.Holds(now) {\n		return false\n	}\n	if int64(until.Mono)", "	if int64(until.Mono)"}},
		found: "TestALapseThatNobodyHasSeenYetIsFinalToo",
		pkg:   "./fsm",
	},
	{
		guard: "a late word that our id is taken",
		edits: []edit{{sessions, "Replaced: req > s.lastGood", "Replaced: req > 0"}},
		found: "TestTakenIsFatalUnlessItIsOlderThanTheLastGoodAnswer",
		pkg:   "./fsm",
	},
	{
		guard: "send-time trust",
		edits: []edit{{sessions, "s.prolong(now, t, at.Add(s.ttl-s.margin))", "s.prolong(now, t, at.Add(now.Mono-at.Mono+s.ttl-s.margin))"}},
		found: "TestC15_TrustIsCountedFromTheSendingOfAHeartbeatNotFromItsAnswer",
	},
	{
		guard: "trust per tenancy",
		edits: []edit{{sessions, "		if list[i].tenancy == t && list[i].extend(now, until) {\n			return list[i]\n		}\n", "		if list[i].extend(now, until) && list[i].tenancy == t {\n			return list[i]\n		}\n"}},
		found: "TestC3_OnlyTheAnswerToAReassertProlongsTheLeadership",
	},
	{
		guard: "trust per tenancy: the word of the reply decides",
		edits: []edit{
			{sessions, "		if list[i].tenancy == t && list[i].extend(now, until) {\n			return list[i]\n		}\n", "		if list[i].extend(now, until) && list[i].tenancy == t {\n			return list[i]\n		}\n"},
			{sessions, "Changed: before != nil && before.tenancy != t", "Changed: before != nil && v == VerdictCreated"},
		},
		found: "TestC2_ALostCreatedReplyDoesNotHideTheNewSession",
	},
	{
		guard: "expiry re-check before winning",
		edits: []edit{{claims, "	trust := m.session.Trust(in.Tenancy, now)\n", "	trust := m.session.Current()\n"}},
		found: "TestC5_AGrantThatArrivesAfterItsSessionIsNoLeadership",
	},
	{
		guard: "a late session of our id is not yet a duplicate",
		edits: []edit{
			{beating, "-b.otherSince > 2*max(n.cfg.TTL, a.Other.Left)", "-b.otherSince >= 0"},
			{beating, "b.renewals >= 2", "b.renewals >= 1"},
		},
		found: "TestC13_ALateHeartbeatOfAFormerLifeIsNoDuplicate",
	},
	{
		guard: "a marked session is waited for",
		edits: []edit{{fleetScripts, "	if c.successor(id) == \"\" {\n		c.set(c.p.Session(id), birth+\" \"+decimal(conn)+\" \"+c.arg(5), 0, true)\n", "	if conn >= 0 && birth != \"\" {\n		c.put(c.p.Session(id), nil)\n"}},
		found: "TestAReplacerWaitsForTheTrustOfOneThatItCannotReach",
	},
	{
		guard: "a marked session is not renewed",
		edits: []edit{{allScripts, "	if mark != \"\" {\n		return \"replaced\", birth\n	}\n", ""}},
		found: "TestAReplacerTakesTheIDOverAndTheOlderOneIsToldByWhom|TestTheWorkOfAReplacedLeaderIsOverBeforeTheReplacerLeads",
	},
	{
		guard: "only who had the id first is replaced",
		edits: []edit{{"actors/replace.go", "	if inc != n.beats.replacing {\n		return false\n	}\n", ""}},
		found: "TestADuelOfReplacersHasOneWinnerAndIsOver",
	},
	{
		guard: "round numbers: a grant of an older round",
		edits: []edit{{claims, "in.Round != m.round || !m.poll.claiming", "!m.poll.claiming"}},
		found: "TestAGrantOfAnOlderRoundIsReleased",
		pkg:   "./fsm",
	},
	{
		guard: "round numbers: acks and kicks of an older round",
		edits: []edit{{voting, "in.From.Original || in.Round == m.round", "true || in.From.Original"}},
		found: "TestAnswersOfAnOlderRoundAreDropped",
		pkg:   "./fsm",
	},
}
