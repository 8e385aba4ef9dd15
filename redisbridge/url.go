package redisbridge

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// urlForm is what every complaint about a URL ends with.
const urlForm = "write redis://[[user]:password@]host[:port][/db], or rediss:// for TLS; percent-encode special characters of the password"

// ParseURL reads a Redis URL: redis://[[user]:password@]host[:port][/db], or
// rediss:// for TLS (1.2 or newer). Each server, Sentinels and those that they or a Cluster
// name included, is checked against the host under which it is dialled; set
// TLSConfig.ServerName where all have one name in their certificates.
// Query members: addr=host:port (more servers, may be repeated), master=name
// (the servers are Sentinels watching that master), cluster=true, client_name,
// sentinel_user, sentinel_password.
// Errors wrap [ErrBackendConfig], say what to do, and never repeat the URL.
func ParseURL(raw string) (*redis.UniversalOptions, error) {
	bad := func(what string) error { return fmt.Errorf("%w: Redis URL: %s; %s", ErrBackendConfig, what, urlForm) }
	// The errors of package url repeat their input, password included.
	u, err := url.Parse(raw)
	if err != nil {
		return nil, bad("can't be parsed")
	}
	o := &redis.UniversalOptions{}
	switch u.Scheme {
	case "redis":
	case "rediss":
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12} // without a name: the host that is dialled is checked
	default:
		return nil, bad("the scheme is neither redis nor rediss")
	}
	if u.Hostname() == "" {
		return nil, bad("the host is missing")
	}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return nil, bad("the port is not between 1 and 65535")
	}
	o.Addrs = []string{net.JoinHostPort(u.Hostname(), port)}
	o.Username = u.User.Username()
	o.Password, _ = u.User.Password()
	if db := strings.Trim(u.Path, "/"); db != "" {
		if o.DB, err = strconv.Atoi(db); err != nil || o.DB < 0 {
			return nil, bad("the path is not a database number")
		}
	}
	if u.Fragment != "" {
		return nil, bad("there is a # in it")
	}
	if err := queryOptions(o, u.RawQuery); err != nil {
		return nil, bad(err.Error())
	}
	return o, nil
}

// queryOptions reads the members of a URL's query into o.
func queryOptions(o *redis.UniversalOptions, raw string) error {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return fmt.Errorf("the query can't be parsed")
	}
	for name, values := range q {
		switch last := values[len(values)-1]; name {
		case "addr":
			o.Addrs = append(o.Addrs, values...)
		case "master":
			o.MasterName = last
		case "cluster":
			if o.IsClusterMode, err = strconv.ParseBool(last); err != nil {
				return fmt.Errorf("cluster is neither true nor false")
			}
		case "client_name":
			o.ClientName = last
		case "sentinel_user":
			o.SentinelUsername = last
		case "sentinel_password":
			o.SentinelPassword = last
		default:
			return fmt.Errorf("the query's names are addr, master, cluster, client_name, sentinel_user and sentinel_password, and there is another")
		}
	}
	return nil
}

var (
	passwordMember = regexp.MustCompile(`(?i)([^?&=]*pass[^?&=]*=)[^&#]*`)
	plainPort      = regexp.MustCompile(`^(\[[^\]]*\]|[^:]*)(:\d*)?$`)
)

// Redact returns a URL that is fit for a log: every password is replaced by ***.
// It takes broken URLs too, and then hides rather too much than too little.
func Redact(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if ok {
		scheme += "://"
	} else {
		scheme, rest = "", raw
	}
	// The last @ ends the credentials: an unescaped one may be in the password.
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, _, has := strings.Cut(rest[:at], ":")
		if has {
			user += ":***"
		} else if user != "" {
			// Some write the password alone before the @.
			user = "***"
		}
		rest = user + rest[at:]
	} else if end := strings.IndexAny(rest+"/", "/?#"); !plainPort.MatchString(rest[:end]) {
		// host:something that is no port: credentials without their @host.
		user, _, _ := strings.Cut(rest[:end], ":")
		rest = user + ":***" + rest[end:]
	}
	return scheme + passwordMember.ReplaceAllString(rest, "${1}***")
}
