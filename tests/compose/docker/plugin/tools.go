//go:build tools

// Package plugin names Docker Compose, so that its version and the digests of all its modules are pinned here.
package plugin

import _ "github.com/docker/compose/v2/cmd"
