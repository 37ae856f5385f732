# Finds statements with co_await or co_yield that hold a braced temporary, a temporary in a branch of ?:, or a lambda with
# captures by value: g++ 12 destroys such temporaries twice. A comment `co_await-ok: reason` in the statement, or on the line above, lets it pass.
use strict;
use warnings;

for my $file (@ARGV) {
  open my $in, '<', $file or die "$file: $!\n";
  my @lines = <$in>;
  close $in;
  my ($statement, $start) = ('', 0);
  for my $i (0 .. $#lines) {
    my $line = $lines[$i];
    my $allowed = $line =~ /co_await-ok:/ || ($i > 0 && $lines[$i - 1] =~ /co_await-ok:/);
    $line =~ s/"(?:[^"\\]|\\.)*"/""/g;
    $line =~ s{//.*}{};
    if ($statement eq '') {
      next unless $line =~ /\bco_(?:await|yield)\b/;
      $start = $i;
    }
    $statement .= $line . ($allowed ? ' co_await-ok ' : '');
    # A statement ends at its semicolon; a lambda's body or an if's block ends what we look at, too.
    next unless $line =~ /[;]|\)\s*\{\s*$|\}\s*$/ || $i - $start > 12;
    my $text = $statement;
    $statement = '';
    next if $text =~ /co_await-ok/;
    $text =~ s/^.*?\b(co_await|co_yield)\b/$1/s;  # what stands before is named
    my ($awaited) = $text =~ /^(.*?);/s ? $1 : $text;
    # Type{something} or, as an argument, Type(something) cannot be told from a call: only braces are looked at.
    if ($awaited =~ /\b([A-Z]\w*(?:::\w+)*(?:<[^{};]*>)?)\{\s*[^\s}]/ && $awaited !~ /\)\s*->\s*[\w:<>]+\s*\{/) {
      print "$file:", $start + 1, ": $1\{...}\n";
    } elsif ($awaited =~ /\?(.*?)(?<!:):(?!:)(.*)/s && "$1$2" =~ /[({]/) {
      print "$file:", $start + 1, ": a temporary in a branch of ?:\n";
    } elsif ($awaited =~ /[(,=\s](\[[^\]&]*\b(?!this\b)[A-Za-z_]\w*[^\]]*\])\s*(?:\(|mutable|\{)/ && $1 !~ /^\[\s*this\s*\]$/) {
      my $captures = $1;
      next unless grep { !/^\s*(?:&\w*|this)\s*$/ } split /,/, $captures =~ s/^\[|\]$//gr;
      print "$file:", $start + 1, ": lambda $captures\n";
    }
  }
}
