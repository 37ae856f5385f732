# Shared: brings Node.js for the tests against NestJS. Sourced after common.sh.

node_needed=20
node_version=22.23.3  # what we fetch where the system has none or an older one

node_is_recent() {
  command -v node >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$node_needed" ]
}

# Puts a Node.js of at least version 20 and npm into PATH. The distributions have 18: it brings npm, which then fetches
# a newer runtime, as an npm package, into build/node and nowhere else.
ensure_node() {
  PATH="$root/build/node/node_modules/.bin:$PATH"
  command -v npm >/dev/null || install_packages npm
  node_is_recent || {
    local machine
    case "$(uname -m)" in
      x86_64) machine=x64 ;;
      aarch64) machine=arm64 ;;
      *) die "no Node.js package is known for $(uname -m): install Node.js $node_needed or newer by hand" ;;
    esac
    say "Node.js: installing version $node_version into build/node"
    mkdir -p "$root/build/node/node_modules/.bin"
    npm install --prefix "$root/build/node" --no-audit --no-fund --silent "node-linux-$machine@$node_version" </dev/null ||
      die "npm could not install node-linux-$machine@$node_version"
    ln -sf "../node-linux-$machine/bin/node" "$root/build/node/node_modules/.bin/node"
    hash -r
    node_is_recent || die "the Node.js in build/node does not run"
  }
  export PATH
  say "Node.js: $(node --version)"
}

# The pinned NestJS and what it needs, into tests/interop/node_modules.
ensure_nestjs() {
  ensure_node
  [ -f "$root/tests/interop/package.json" ] || die "tests/interop/package.json is missing"
  local stamp="$root/tests/interop/node_modules/.waybill-installed"
  if [ -f "$stamp" ] && cmp -s "$stamp" "$root/tests/interop/package.json"; then
    say "NestJS: already installed"
    return
  fi
  say "NestJS: installing the versions of tests/interop/package.json"
  local command=install
  [ -f "$root/tests/interop/package-lock.json" ] && command=ci
  npm "$command" --prefix "$root/tests/interop" --no-audit --no-fund --silent </dev/null ||
    die "npm could not install the packages of tests/interop"
  cp "$root/tests/interop/package.json" "$stamp"
}
