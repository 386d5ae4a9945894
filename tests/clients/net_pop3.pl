# PORT USER PASSWORD CAFILE DIRECTORY keep|delete, by Net::POP3.
use strict;
use warnings;
use Net::POP3;

my ($port, $user, $password, $ca, $directory, $mode) = @ARGV;
my %seen;
if (open(my $old, '<', "$directory/seen")) {
	chomp(my @lines = <$old>);
	@seen{@lines} = ();
}
my $pop = Net::POP3->new('localhost', Port => $port, SSL => 1,
    SSL_ca_file => $ca) or die "no connection: $@";
defined $pop->login($user, $password) or die 'refused: ' . $pop->message;
my $ids = $pop->uidl;
for my $n (sort { $a <=> $b } keys %$ids) {
	next if $mode eq 'keep' && exists $seen{$ids->{$n}};
	open(my $file, '>', "$directory/inbox/new/$ids->{$n}") or die $!;
	$pop->get($n, $file) or die 'RETR: ' . $pop->message;
	close($file) or die $!;
	if ($mode eq 'delete') {
		$pop->delete($n) or die 'DELE: ' . $pop->message;
	}
}
open(my $new, '>', "$directory/seen") or die $!;
print $new "$_\n" for values %$ids;
close($new) or die $!;
$pop->quit or die 'QUIT: ' . $pop->message;
