pop3d:\
	:coredumpsize=0:\
	:openfiles-cur=256:\
	:openfiles-max=256:\
	:tc=daemon:
