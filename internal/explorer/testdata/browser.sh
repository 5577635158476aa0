#!/usr/bin/env bash
# Tries the explorer's page in a headless Chromium. It takes the one below, of a
# known version, from the npm registry, and without npm the machine's own; where
# there is neither, it says so and tries nothing.
#
#   internal/explorer/testdata/browser.sh [folder for screenshots]
set -euo pipefail
cd "$(dirname "$0")/../../.."
version=153.0.0
sha512=jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==
folder=$PWD/bin/chromium-$version

# fetch unpacks the package into a folder: the program, the libraries that a
# bare machine lacks, and a font. It stands as a program of its own, since bash
# goes on after errors in a condition.
fetch='set -euo pipefail
cd "$1"
npm pack --silent "@sparticuz/chromium@$2" >/dev/null
[ "$(openssl dgst -sha512 -binary ./*.tgz | base64 -w0)" = "$3" ]
tar xzf ./*.tgz
cd package/bin
node -e "
	const fs = require(\"fs\"), zlib = require(\"zlib\");
	for (const name of fs.readdirSync(\".\")) fs.writeFileSync(name.slice(0, -3), zlib.brotliDecompressSync(fs.readFileSync(name)));"
for archive in *.tar; do tar xf "$archive"; done
rm ./*.br ./*.tar
echo "<fontconfig><dir prefix=\"cwd\">fonts</dir><cachedir prefix=\"cwd\">cache</cachedir></fontconfig>" >fonts.conf
printf "%s\n" "#!/bin/sh" "cd \"\$(dirname \"\$0\")\" && FONTCONFIG_PATH=\$PWD LD_LIBRARY_PATH=\$PWD:\$PWD/lib exec ./chromium \"\$@\"" >run
chmod +x chromium run'

# pinned fetches the known version, unless it is there.
pinned() {
	[ -x "$folder/run" ] && return
	local work status=0
	work=$(mktemp -d)
	mkdir -p bin
	bash -c "$fetch" fetch "$work" "$version" "$sha512" && mv "$work/package/bin" "$folder" || status=$?
	rm -rf "$work"
	return $status
}

browser=
if pinned; then
	browser=$folder/run
else
	for name in chromium-headless-shell chromium chromium-browser google-chrome; do
		if [ -z "$browser" ]; then browser=$(command -v "$name" || true); fi
	done
fi
if [ -z "$browser" ] || ! "$browser" --version; then
	echo "no Chromium can be had here: the explorer's page was not tried in a browser"
	exit 0
fi
pictures=
if [ $# -gt 0 ]; then
	mkdir -p "$1"
	pictures=$(cd "$1" && pwd)
fi
go test ./internal/explorer -timeout 1h -count=1 -run Browser -v -browser "$browser" -screenshots "$pictures"
