// Names the release of zot that build.sh builds, and with it its hash: the newest one that Go's module
// proxy has under a name that it answers for.
module tidegate.io/hack/zot

go 1.26

require github.com/project-zot/zot v1.4.3
