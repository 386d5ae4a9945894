<?php
// PORT USER PASSWORD CAFILE DIRECTORY keep|delete, by PHP's imap, which asks
// for no unique-ids: whoever keeps mail on the server gets all of it.
[, $port, $user, $password, , $directory, $mode] = $argv;
$box = imap_open("{localhost:$port/pop3/ssl}INBOX", $user, $password, 0, 1);
if ($box === false) {
	fwrite(STDERR, implode("\n", imap_errors()) . "\n");
	exit(1);
}
for ($n = 1; $n <= imap_num_msg($box); $n++) {
	imap_savebody($box, "$directory/inbox/new/$n", $n) || exit(1);
	if ($mode === 'delete')
		imap_delete($box, (string)$n);
}
imap_close($box, $mode === 'delete' ? CL_EXPUNGE : 0) || exit(1);
