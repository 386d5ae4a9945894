/* PORT USER PASSWORD CAFILE DIRECTORY keep|delete, by Jakarta Mail. */
import com.sun.mail.pop3.POP3Folder;
import jakarta.mail.Flags;
import jakarta.mail.Folder;
import jakarta.mail.Message;
import jakarta.mail.Session;
import jakarta.mail.Store;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

public class Jakarta {
	public static void main(String[] args) throws Exception {
		Path directory = Path.of(args[4]);
		boolean delete = args[5].equals("delete");
		Path list = directory.resolve("seen");
		List<String> seen = Files.exists(list) ?
		    Files.readAllLines(list) : List.of();
		List<String> ids = new ArrayList<>();
		Properties p = new Properties();
		p.put("mail.pop3s.ssl.checkserveridentity", "true");
		Store store = Session.getInstance(p).getStore("pop3s");
		store.connect("localhost", Integer.parseInt(args[0]), args[1],
		    args[2]);
		POP3Folder inbox = (POP3Folder) store.getFolder("INBOX");
		inbox.open(Folder.READ_WRITE);
		for (Message message : inbox.getMessages()) {
			String id = inbox.getUID(message);
			ids.add(id);
			if (!delete && seen.contains(id))
				continue;
			try (OutputStream out = Files.newOutputStream(
			    directory.resolve("inbox/new/" + id))) {
				message.writeTo(out);
			}
			if (delete)
				message.setFlag(Flags.Flag.DELETED, true);
		}
		Files.write(list, ids);
		inbox.close(true);
		store.close();
	}
}
