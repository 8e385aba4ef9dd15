//go:build !race

package actors_test

const slowly = 1
