# A newer generation of brokers than the system's packages have: RabbitMQ 4.0 and Redis 8 from a Debian 13 tree of their
# own, and Kafka 4 from its jars; sourced by brokers.sh, for --newer. Needs root: the tree is entered by chroot, in a mount
# namespace that sees the folder of the brokers at its own path.

newer_tree="${WAYBILL_NEWER_TREE:-$root/build/debian-13}"

# newer_install PACKAGE...: makes the tree where it is missing (a minute), and installs into it.
newer_install() {
  [ "$(id -u)" -eq 0 ] || die "--newer needs root, to make and enter a Debian 13 tree"
  install_packages debootstrap
  mkdir -p "$newer_tree.lock"
  exec 7>"$newer_tree.lock/lock"
  flock 7
  local mirror keys=/usr/share/keyrings/debian-archive-keyring.gpg
  if [ ! -e "$newer_tree/etc/waybill-complete" ]; then
    say "Debian 13: making a tree in ${newer_tree/#"$root"\//}"
    rm -rf "$newer_tree"
    mkdir -p "$newer_tree"
    # Where this system takes its own packages from, if that is Debian.
    mirror="$(apt-get indextargets --format '$(SITE) $(CODENAME)' 'Created-By: Packages' 2>/dev/null |
      awk '$2 == "bookworm" { print $1; exit }')"
    debootstrap --variant=minbase ${keys:+$([ -e "$keys" ] && echo "--keyring=$keys")} trixie "$newer_tree" ${mirror:+"$mirror"} \
      >"$newer_tree.lock/log" 2>&1 </dev/null || {
      tail -n 20 "$newer_tree.lock/log"
      die "debootstrap failed; see $newer_tree.lock/log"
    }
    # Nothing that is installed there starts by itself.
    printf '#!/bin/sh\nexit 101\n' >"$newer_tree/usr/sbin/policy-rc.d"
    chmod +x "$newer_tree/usr/sbin/policy-rc.d"
    for file in /etc/apt/apt.conf.d/*; do
      grep -qsiE 'proxy|verify|artifact' "$file" && cp "$file" "$newer_tree/etc/apt/apt.conf.d/"
    done
    touch "$newer_tree/etc/waybill-complete"
  fi
  local package missing=()
  for package in "$@"; do
    chroot "$newer_tree" dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep 'install ok installed' >/dev/null || missing+=("$package")
  done
  if [ "${#missing[@]}" -gt 0 ]; then
    say "Debian 13: installing ${missing[*]}"
    chroot "$newer_tree" sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"' \
      sh "${missing[@]}" >"$newer_tree.lock/log" 2>&1 </dev/null || {
      tail -n 20 "$newer_tree.lock/log"
      die "apt-get could not install ${missing[*]} into the Debian 13 tree; see $newer_tree.lock/log"
    }
  fi
  flock -u 7
  exec 7>&-
}

# The command line that runs a program of the tree, with the folder of the brokers where it is.
newer_enter=(unshare --mount sh -c '
  mkdir -p "$1$2" && mount --bind "$2" "$1$2" && mount --rbind /dev "$1/dev" && mount --rbind /proc "$1/proc" || exit 1
  tree="$1"; shift 2
  exec chroot "$tree" "$@"' sh "$newer_tree" "$folder")
