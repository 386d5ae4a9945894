/*
 * All that a user reads, so that it can be translated: this file is the only
 * one with sentences for him.  UTF-8; whoever changes the language changes
 * T_LANGUAGE.  What stands for a number or a name (%s) stays, in its order.
 */
#ifndef WEB_TEXTS_H
#define WEB_TEXTS_H

#define T_LANGUAGE "en"
#define T_SITE	   "Mail access"

/* Times (strftime(3), UTC) and sizes. */
#define T_TIME	    "%Y-%m-%d %H:%M UTC"
#define T_DAY	    "%Y-%m-%d"
#define T_UNKNOWN   "unknown"
#define T_OCTETS    "%llu bytes"
#define T_KILOBYTES "%llu kB"
#define T_MEGABYTES "%llu.%llu MB"

/* All pages. */
#define T_MENU	   "Pages"
#define T_SKIP	   "Skip to the page's content"
#define T_SIGN_OUT "Sign out"
#define T_WRONG	   "Not done"
#define T_SAVE	   "Save"
#define T_BACK	   "Back without a change"
#define T_GO_ON	   "Go on"
#define T_TO_BEGIN "To the first page"
#define T_PART	   "%u to %u of %u"
#define T_NEWER	   "Newer ones"
#define T_OLDER	   "Older ones"

/* The menu. */
#define T_OVERVIEW "Overview"
#define T_APPS	   "Application passwords"
#define T_KEPT	   "Kept mail"
#define T_ACTIVITY "Activity"
#define T_CLIENTS  "Set up a mail program"
#define T_SECURITY "Security"

/* Signing in. */
#define T_SIGN_IN "Sign in"
#define T_SIGN_IN_WHY                                                        \
	"Here you decide how mail programs fetch your mail, and with what "  \
	"passwords."
#define T_ADDRESS	 "Mail address"
#define T_PASSWORD	 "Password"
#define T_NO_APP_PASSWORD                                                 \
	"The password of your mailbox. Application passwords do not open " \
	"this page."
#define T_FORGOTTEN                                                          \
	"Forgotten, or no password yet? Ask your administrator for an "      \
	"invitation: a link that lets you in once."
#define T_SECOND_FACTOR	    "One more step"
#define T_SECOND_FACTOR_WHY "Your password is right. Now the second factor."
#define T_CODE		    "Code"
#define T_CODE_HINT                                                      \
	"The six digits that your authenticator app shows now, or one of " \
	"your recovery codes."
#define T_SIGN_IN_ANEW "Sign in as somebody else"
#define T_INVITATION   "You are invited"
#define T_INVITATION_WHY                                                   \
	"This link lets the owner of %s in, once. If that is you, go on, " \
	"and set a password of your own."
#define T_INVITATION_BAD                                                     \
	"This invitation has expired, or was used already. Ask your "        \
	"administrator for another, or sign in by your password."

/* The overview: what mail programs may do. */
#define T_ACCESS     "May mail programs fetch your mail (POP)?"
#define T_ACCESS_ALL "Yes, all of it"
#define T_ACCESS_ALL_HINT                                                  \
	"A mail program that comes for the first time gets all that is in " \
	"your inbox."
#define T_ACCESS_NOW "Yes, but only what arrives from now on"
#define T_ACCESS_NOW_HINT \
	"What is in your inbox at this moment stays here, and is not fetched."
#define T_ACCESS_SINCE "Yes, but only what has arrived since you chose this"
#define T_ACCESS_SINCE_HINT \
	"What was in your inbox before stays here, and is not fetched."
#define T_ACCESS_ANEW "Yes, but only what arrives from now on (begin anew)"
#define T_ACCESS_OFF  "No"
#define T_ACCESS_OFF_HINT                                                   \
	"Mail programs are turned away, and those that are fetching now "   \
	"are cut off. This page still works."

#define T_DELETE      "When my mail program deletes a message"
#define T_DELETE_KEEP \
	"Keep a copy here after my mail program has deleted it"
#define T_DELETE_KEEP_HINT                                                  \
	"It takes up room here until somebody clears it away; you can bring " \
	"it back under \"Kept mail\"."
#define T_DELETE_KEEP_DAYS_HINT                                             \
	"You can bring it back under \"Kept mail\" for %u days; then it is "  \
	"cleared away."
#define T_DELETE_GO "Delete it here as well"
#define T_DELETE_GO_HINT                                                   \
	"It is gone for good as soon as your mail program has finished, "  \
	"and nobody can bring it back."

#define T_KEEP		"If a copy is kept: for how long?"
#define T_KEEP_WEEK	"A week"
#define T_KEEP_MONTH	"30 days"
#define T_KEEP_QUARTER	"90 days"
#define T_KEEP_YEAR	"A year"
#define T_KEEP_FOR_EVER "For ever"
#define T_KEEP_DAYS	"As it is now: %u days"

#define T_SPAM		"Mail in your spam folder"
#define T_SPAM_OUT	"Is not fetched"
#define T_SPAM_OUT_HINT "It stays in the spam folder here."
#define T_SPAM_IN	"Is fetched together with your inbox"
#define T_SPAM_IN_HINT \
	"Your own mail program has to tell the bad from the good."
#define T_SPAM_ONLY "Is all that is fetched"
#define T_SPAM_ONLY_HINT                                                  \
	"To look through it once by your mail program: your inbox is not " \
	"fetched meanwhile."

#define T_READ	       "When my mail program has fetched a message"
#define T_READ_NO      "Leave it as it was"
#define T_READ_NO_HINT "In webmail it still looks new."
#define T_READ_YES     "Mark it as read"
#define T_READ_YES_HINT \
	"In webmail you see by that what your mail program has."

#define T_LAST_LOGINS  "The last logins"
#define T_NO_LOGINS    "No mail program has fetched mail yet."
#define T_UNREAD                                                             \
	"What is noted of logins cannot be read at the moment. Tell your "   \
	"administrator if it stays so."
#define T_LOGIN	       "login from %s, by the password of your mailbox"
#define T_LOGIN_LABEL  "login from %s, by the application password \"%s\""
#define T_ALL_ACTIVITY "All activity"

/* Application passwords. */
#define T_APPS_WHY                                                        \
	"One for each program or device: it opens your mail and nothing "  \
	"else, and when the device is lost you revoke that one alone."
#define T_NO_APPS	"There is none yet."
#define T_APP_NEW	"New application password"
#define T_APP_MAKE	"Make the password"
#define T_CREATED	"Made"
#define T_USED		"Last fetched"
#define T_USED_NEVER	"never"
#define T_USED_FROM	"%s, from %s"
#define T_GOOD_FOR	"Good for"
#define T_FOR_BOTH	"fetching and sending"
#define T_FOR_POP	"fetching alone"
#define T_FOR_SEND	"sending alone"
#define T_FOR_SEND_HINT "For a printer, or a web site."
#define T_DELETES	"Deletes"
#define T_DELETES_NOT	"nothing"
#define T_EXPIRES	"Good until"
#define T_FROM_WHERE	"Only from"
#define T_REVOKE_LABEL	"Revoke \"%s\""
#define T_REVOKE_WHY                                                       \
	"The program that uses it is cut off at once, and cannot come in " \
	"again. Nothing else changes."
#define T_LABEL	     "What is it for?"
#define T_LABEL_HINT "A name for you alone, such as \"phone\"."
#define T_READ_ONLY  "Nothing can be deleted with it"
#define T_READ_ONLY_HINT \
	"For an archive, or for somebody who only looks after your mail."
#define T_EXPIRES_LABEL	   "Good until (if it is to end by itself)"
#define T_EXPIRES_HINT	   "To the end of that day, UTC."
#define T_PRESENT_PASSWORD "Your present password"
#define T_PRESENT_PASSWORD_WHY                                            \
	"Once more, because this opens a door: it must be you who sits "  \
	"here."
#define T_INVITATION_NEEDED                                                  \
	"Your mailbox has no password by which you could prove that it is "  \
	"you. Ask your administrator for a new invitation, and come back "   \
	"by that."
#define T_MADE	   "Your new application password"
#define T_MADE_WHY "For \"%s\". Type it in there now, or copy it:"
#define T_MADE_ONCE                                                         \
	"It is shown this once. It is good for this program alone: for "    \
	"another one make another. The hyphens do not matter."
#define T_MADE_PASSWORD "the one above"
#define T_MADE_DONE	"I have it"

/* Setting up a mail program. */
#define T_CLIENTS_WHY                                                       \
	"If your mail program asks for more than your address and a "       \
	"password, this is what it wants to know."
#define T_BY_HAND	   "By hand"
#define T_CLIENT_TABLE	   "What else your mail program wants to know"
#define T_INCOMING	   "Incoming mail: POP3"
#define T_OUTGOING	   "Outgoing mail: SMTP"
#define T_OUTGOING_TOO	   "Outgoing mail, another way"
#define T_SERVER	   "Server"
#define T_PORT		   "Port"
#define T_ENCRYPTION	   "Security"
#define T_TLS		   "SSL/TLS"
#define T_STARTTLS	   "STARTTLS"
#define T_USER_NAME	   "User name"
#define T_USE_APP_PASSWORD "an application password"
#define T_USE_EITHER_PASSWORD \
	"an application password, or that of your mailbox"
#define T_NO_OUTGOING \
	"How to send mail is not known here: ask your administrator."
#define T_FILES	      "As a file"
#define T_PROFILE_WHY "For iPhone, iPad and Mac, which need nothing else:"
#define T_PROFILE_NEW "Profile with a new password"
#define T_PROFILE_BARE \
	"Profile without a password (it asks for one)"
#define T_PROFILE_NEW_WHY                                                  \
	"The file has a new application password in it, which you need "   \
	"never see. Keep the file for yourself, and delete it afterwards."
#define T_PROFILE_LABEL "iPhone, iPad or Mac"
#define T_PROFILE_GET	"Download the profile"
#define T_PROFILE_HOW                                                     \
	"Open it on the device, then look for it in Settings (on a Mac: "  \
	"System Settings, Profiles)."
#define T_AUTOCONFIG_WHY \
	"For Thunderbird and others, if they do not find it by themselves:"
#define T_AUTOCONFIG "Autoconfig file (XML)"

/* Kept mail. */
#define T_KEPT_WHY                                                          \
	"What your mail program has deleted and was kept, and what is from " \
	"before \"from now on\". What you bring back is fetched again as "   \
	"if it had just arrived."
#define T_KEPT_NONE "Nothing is kept at the moment."
#define T_KEPT_NOTHING_IS                                                   \
	"Nothing is kept: what your mail program deletes is deleted here "   \
	"as well. You can change that on the first page."
#define T_NO_SUBJECT	"(no subject)"
#define T_FROM		"From"
#define T_DELIVERED	"Arrived"
#define T_DELETED	"Deleted"
#define T_KEPT_BECAUSE	"Kept because"
#define T_KEPT_EARLIER	"it is from before \"from now on\""
#define T_SIZE		"Size"
#define T_IN_JUNK	", in the spam folder"
#define T_BRING_BACK	"Bring back"
#define T_BRING_ALL	"Bring all of it back"
#define T_BRING_ALL_WHY "All %u messages will be fetched again."

/* Activity. */
#define T_ACTIVITY_WHY                                                     \
	"Who has fetched your mail, what was deleted, and what was done on " \
	"this page in your name, or brought back and deleted for good by " \
	"the administrator: the newest first."
#define T_NO_ACTIVITY		"Nothing has happened yet."
#define T_EVENT_DELETED		"deleted a message of %s (%s)"
#define T_EVENT_DELETED_SEVERAL "more deleted messages: %llu"
#define T_EVENT_KEPT		"deleted a message of %s, which was kept (%s)"
#define T_EVENT_KEPT_SEVERAL	"more deleted messages, which were kept: %llu"
#define T_EVENT_END \
	"end of the session; messages fetched: %llu (%s), deleted: %llu"
/* On the page: from where, and what.  %s: a label, or what was chosen. */
#define T_EVENT_HERE	   "on this page, from %s: "
#define T_EVENT_THERE	   "the administrator: "
#define T_BY_PASSWORD	   "signed in by the password"
#define T_BY_INVITATION	   "signed in by an invitation"
#define T_BY_CODE	   "signed in by a code of the authenticator app"
#define T_BY_RECOVERY_CODE "signed in by a recovery code"
#define T_EVENT_PASSWORD   "changed the password"
#define T_EVENT_APP	   "made the application password \"%s\""
#define T_EVENT_REVOKED	   "revoked the application password \"%s\""
#define T_EVENT_RECOVERY   "made new recovery codes"
#define T_EVENT_NOT_ME	   "cut everybody off (\"That was not me\")"
#define T_EVENT_BACK	   "brought kept messages back: %llu"
#define T_EVENT_PURGED \
	"deleted for good what had been kept for long enough: %llu"
#define T_EVENT_SET	   "saved \"%s\": \"%s\""
#define T_EVENT_ON	   "on"
#define T_EVENT_OFF	   "off"
#define T_NOT_ME "That was not me"
#define T_NOT_ME_WHY                                                        \
	"Every program that is in your mailbox now is cut off, and all "    \
	"application passwords are revoked: you will have to make new ones " \
	"for your own devices. After that, set a new password."
#define T_NOT_ME_BUTTON "Cut everybody off"
#define T_NOT_ME_DONE                                                     \
	"Everybody is cut off and all application passwords are revoked. " \
	"Now set a new password."

/* Security. */
#define T_HAS_PASSWORD                                                     \
	"It opens this page, and mail programs may use it unless you turn " \
	"two-factor on."
#define T_HAS_NO_PASSWORD                                                 \
	"Your mailbox has no password: you come in here by invitations, "  \
	"or set one."
#define T_CHANGE_PASSWORD "Change the password"
#define T_SET_PASSWORD	  "Set a password"
#define T_CHANGE_PASSWORD_WHY                                               \
	"Whoever is in your mailbox by the old one is cut off, and you are " \
	"signed out everywhere but here. Application passwords stay."
#define T_INVITED_PASSWORD_WHY                                              \
	"You are in by your invitation, which was good this once. Choose a " \
	"password now, and come in by that from now on. Whoever is in your " \
	"mailbox by an old one is cut off; application passwords stay."
#define T_NEW_PASSWORD "New password"
#define T_NEW_PASSWORD_HINT \
	"At least 10 characters. Several words make a good one."
#define T_NEW_AGAIN	"New password, once more"
#define T_SAVE_PASSWORD "Save the new password"
#define T_NOT_TWICE	"The new password was not the same twice."
#define T_PASSWORD_SET	"Your new password counts from now on."

#define T_TWO_FACTOR "Two-factor sign-in"
#define T_TWO_FACTOR_WHY                                                    \
	"Off. Once it is on, this page asks for a code from your phone as "  \
	"well, and mail programs need application passwords: who knows "     \
	"your password alone gets nowhere."
#define T_TWO_FACTOR_WANTED                                                 \
	"Mail programs need application passwords here, but this page asks " \
	"for no code yet. Set that up, so that nobody can make such "        \
	"passwords by your password alone."
#define T_TWO_FACTOR_ON                                                    \
	"On. This page asks for a code, and mail programs need application " \
	"passwords."
#define T_TWO_FACTOR_SET_UP "Set up two-factor"
#define T_TWO_FACTOR_ANEW   "Move to another phone"
#define T_TWO_FACTOR_OFF    "Turn two-factor off"
#define T_TWO_FACTOR_FIRST                                                \
	"You need an authenticator app on your phone, any will do. Mail "  \
	"programs that use your password stop working: make application "  \
	"passwords for them first."
#define T_TWO_FACTOR_ANEW_WHY                                            \
	"You get a new code to scan. The phone that you use now counts " \
	"until the new one has proved itself."
#define T_TWO_FACTOR_OFF_WHY                                             \
	"Your password alone will then open this page again, and mail "  \
	"programs may use it."
#define T_TWO_FACTOR_TURN_ON "Turn two-factor on"
#define T_TWO_FACTOR_IS_ON   "Two-factor is on."
#define T_TWO_FACTOR_IS_OFF  "Two-factor is off."
#define T_SHOW_QR	     "Show the code to scan"
#define T_SCAN		     "Scan this by your authenticator app."
#define T_QR_TITLE	     "QR code with the secret that follows as text"
#define T_SECRET_TYPED	     "Or type in this secret (time-based, six digits):"
#define T_CONFIRM_CODE	     "The code that the app shows now"
#define T_CONFIRM_HINT	     "Two-factor is on only after that."
#define T_RECOVERY	     "Recovery codes"
#define T_RECOVERY_LEFT	     "Recovery codes that are left: %u."
#define T_RECOVERY_NEW	     "Make new recovery codes"
#define T_RECOVERY_NEW_WHY   "Those that you have now are then good no longer."
#define T_RECOVERY_WHY                                                     \
	"If your phone is lost, each of these lets you in once, in place " \
	"of a code. Print them or write them down now: they are shown "   \
	"this once."
#define T_RECOVERY_DONE "I have them"

#define T_OTHER_BROWSERS "Signed in elsewhere?"
#define T_OTHER_BROWSERS_WHY \
	"Signing out always signs you out of this page in all browsers."
#define T_SIGN_OUT_EVERYWHERE "Sign out everywhere"

/* What was done. */
#define T_SAVED		   "Saved. It counts from the next login on."
#define T_REVOKED	   "Revoked. The program that used it is cut off."
#define T_ONE_IS_BACK	   "One message is back, and will be fetched again."
#define T_SEVERAL_ARE_BACK "%lld messages are back, and will be fetched again."
#define T_HAS_SIGNED_OUT   "You are signed out."

/* What was not. */
#define T_REFUSED                                                          \
	"That was not right: address or password is wrong, or this page is " \
	"switched off for the mailbox."
#define T_SIGNED_OUT                                                        \
	"You are signed out: you were away for a while, or a password was " \
	"changed. Please sign in again."
#define T_CODE_WRONG                                                       \
	"This code is wrong, or was used already. Wait for the next one "  \
	"that your app shows. If that is wrong, too, look whether your "   \
	"phone's clock is right."
#define T_RECOVERY_WRONG                                                    \
	"This recovery code is wrong, or was used already: each is good "   \
	"once. Take another one, or a code of your app."
#define T_GUESSES	 "Too many wrong ones. Try again in ten minutes."
#define T_WRONG_PASSWORD "Your present password was wrong. Nothing changed."
#define T_BAD_VALUE	 "Nothing was chosen. Nothing changed."
#define T_BAD_LABEL                                                          \
	"The name must not be empty, blanks alone, or have control "         \
	"characters. It has at most 63 letters, and fewer where these are "  \
	"accented or not Latin."
#define T_LABEL_TAKEN "There is one of that name already: take another name."
#define T_NO_SUCH     "That is there no longer. Nothing changed."
#define T_TOO_MANY \
	"There are as many application passwords as there can be: revoke one."
#define T_BAD_DATE "The day must be one to come, written YYYY-MM-DD."
#define T_SHORT	   "The new password is too short: at least 10 characters."
#define T_LONG	   "The new password is too long."
#define T_EASY                                                              \
	"The new password is too easy: it is the old one, your address, or " \
	"one character again and again."
#define T_IN_USE                                                          \
	"A mail program is in your mailbox just now. Try again in a minute."
#define T_CHANGED \
	"Somebody changed the same settings meanwhile. Look, and try again."
#define T_TROUBLE_TITLE "That did not work"
#define T_TROUBLE                                                         \
	"Something is wrong here, not with you. Try again in a minute; if " \
	"it stays so, tell your administrator."
#define T_TROUBLE_FORM                                                     \
	"Something is wrong here, not with you. Look first whether what "  \
	"you wanted was done all the same, and then try again in a "       \
	"minute; if it stays so, tell your administrator."

/* Requests that our pages do not lead to. */
#define T_REFUSED_TITLE "Not possible"
#define T_NO_PAGE	"There is no such page here."
#define T_NO_FORM	"This form cannot be read. Nothing changed."
#define T_TOO_LONG	"That was too long. Nothing changed."
#define T_NO_TLS                                                          \
	"This page works by https:// only, because you type passwords in."
#define T_OTHER_SITE                                                        \
	"This form came from another site, or your browser (older than "    \
	"2023?) does not tell where it comes from. Nothing changed."

#endif
